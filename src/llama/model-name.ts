/**
 * What a model is called, from the path it lies under.
 *
 * @module
 */

/** Last part of a path, without a trailing slash. */
export function lastPathPart(path: string): string {
  return (
    path
      .split(/[/\\]/)
      .filter((part) => part !== '' && part !== '.')
      .at(-1) ?? path
  );
}

/** Whether the name is that of a Llama Guard, which judges texts. */
export function isGuardName(name: string): boolean {
  return /llama[-_. ]?guard/i.test(name);
}

/** Whether the name says that the model was tuned for instructions or chat. */
export function isInstructName(name: string): boolean {
  return /(^|[-_. ])(instruct|chat)([-_. ]|$)/i.test(name);
}
