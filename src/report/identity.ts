/**
 * Which release of Meta's a checkpoint is, for a person: how sure that is, and by what.
 *
 * @module
 */
import type { ReleaseIdentity } from '../llama/identify-release.js';
import { type Line, flow, wrap } from './lines.js';

/** The identity in a few words: `exactly Meta's Llama-3.2-1B-Instruct`, `shaped like Llama 3.2 1B`. */
export function identityTitle({ certainty, name }: Pick<ReleaseIdentity, 'certainty' | 'name'>): string {
  return certainty === 'exact' ? `exactly Meta's ${name}` : `shaped like ${name}`;
}

/** The identity as lines: the words, what was compared, and what follows from it. */
export function identityLines(identity: ReleaseIdentity, contextIsShown: boolean): Line[] {
  const { variant, variantByName, contextLength, licences } = identity;
  const made = variant === undefined ? [] : [variantByName ? `${variant} by its name` : variant];
  const context = contextLength === undefined || contextIsShown ? [] : [`context ${contextLength}`];
  const facts = [...made, ...context, `licence ${licences.join(' or ')}`];
  return [
    ...wrap(`${identityTitle(identity)}${comparison(identity)}`, 2, 4),
    ...flow(facts, { separator: ' · ', indent: 2 }),
  ];
}

function comparison({ certainty, releases, compared }: ReleaseIdentity): string {
  const same = compared.filter(({ sameAs }) => sameAs.some((id) => releases.includes(id))).map(({ name }) => name);
  if (same.length === 0) return '';
  const published = `the published ${same.length === 1 ? 'hash' : 'hashes'}`;
  const have = `${listOf(same)} ${same.length === 1 ? 'has' : 'have'} ${published}`;
  return certainty === 'exact' ? `: ${have}; verify hashes the weights too` : `; ${have}`;
}

function listOf(names: readonly string[]): string {
  return names.length === 1 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
