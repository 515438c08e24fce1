/**
 * Type of the validator that `scripts/build.mjs` generates from `docs/schema/params.schema.json`.
 *
 * @module
 */

/** One violation of the schema. */
export interface SchemaViolation {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message?: string;
}

/** Whether the value is a valid params.json; on failure `validate.errors` holds every violation. */
export const validate: {
  (data: unknown): boolean;
  errors?: readonly SchemaViolation[] | null;
};
