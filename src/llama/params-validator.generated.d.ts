/**
 * Type of the validator that `scripts/build.mjs` generates from `docs/schema/params.schema.json`.
 *
 * @module
 */

/** One violation of the schema. */
export interface SchemaViolation {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message: string;
}

/** Whether the value is a valid params.json. */
export const validate: {
  (data: unknown): boolean;
  /** Every violation in the value that was just refused; not to be read after one that was valid. */
  readonly errors: readonly SchemaViolation[];
};
