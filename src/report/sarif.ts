/**
 * A scan as SARIF 2.1.0, the form in which continuous integration shows findings.
 *
 * What GitHub asks beyond the standard is kept to: every result has a location with a path as the person gave it and a
 * line (a file of bytes has none, so it is 1; the true place is `byteOffset`), and a file that could not be scanned is
 * a result, because a run marked as failed is not shown at all.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @see https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
 * @module
 */
import type { ScanFinding, ScanReport, ScannedFile } from '../integrity/scan/scan-report.js';
import { RULE_TEXTS, type RuleText } from './scan-rules.js';

/** A SARIF log, as far as this program writes it. */
export interface SarifLog {
  /** Where the schema is. */
  readonly $schema: string;
  /** Version of SARIF. */
  readonly version: '2.1.0';
  /** One run. */
  readonly runs: readonly Readonly<Record<string, unknown>>[];
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const HOME = 'https://www.npmjs.com/package/llama-inspect';

/** The report as a SARIF log with one run. */
export function scanSarif(report: ScanReport, version: string): SarifLog {
  const rules = Object.entries(RULE_TEXTS).map(([id, text]) => ruleOf(id, text));
  const driver = { name: 'llama-inspect', semanticVersion: version, informationUri: HOME, rules };
  const isFile = report.files.length + report.others.length === 1 && report.files[0]?.path === report.path;
  const uriOf = ({ path }: ScannedFile): string => uriOfPath(isFile ? path : `${report.path}/${path}`);
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver },
        invocations: [{ executionSuccessful: true }],
        artifacts: report.files.map((file) => ({ location: { uri: uriOf(file) }, length: file.size })),
        results: report.files.flatMap((file) => resultsOf(file, uriOf(file))),
        properties: { verdict: report.verdict, allow: report.allow, notes: report.notes },
      },
    ],
  };
}

function ruleOf(id: string, { title, help, level, severity }: RuleText): Record<string, unknown> {
  return {
    id,
    shortDescription: { text: `${title}.` },
    fullDescription: { text: help },
    help: { text: help },
    defaultConfiguration: { level },
    properties: { 'security-severity': severity.toFixed(1), tags: ['security'] },
  };
}

const RULE_IDS = Object.keys(RULE_TEXTS);

function resultsOf(file: ScannedFile, uri: string): Record<string, unknown>[] {
  const results = file.findings.map((finding) => resultOf(finding, uri));
  if (file.error === null) return results;
  const { code, message, hint, offset } = file.error;
  const text = `${message}${hint === null ? '' : `; ${hint}`} [${code}]`;
  return [...results, result('unreadable', text, { uri, offset, member: null }, { code })];
}

function resultOf(
  { rule, message, member, offset, fileOffset, ...facts }: ScanFinding,
  uri: string,
): Record<string, unknown> {
  const text = member === null ? message : `${member}: ${message}`;
  const { opcode, name, code } = facts;
  return result(rule, text, { uri, offset: fileOffset, member }, { member, offset, opcode, name, code });
}

function result(
  rule: keyof typeof RULE_TEXTS,
  text: string,
  { uri, offset, member }: { readonly uri: string; readonly offset: number | null; readonly member: string | null },
  facts: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const region = { startLine: 1, ...(offset === null ? {} : { byteOffset: offset }) };
  const logical = member === null ? {} : { logicalLocations: [{ fullyQualifiedName: member, kind: 'member' }] };
  const known = Object.entries(facts).filter(([, value]) => value !== null);
  return {
    ruleId: rule,
    ruleIndex: RULE_IDS.indexOf(rule),
    level: RULE_TEXTS[rule].level,
    message: { text },
    locations: [{ physicalLocation: { artifactLocation: { uri }, region }, ...logical }],
    partialFingerprints: { 'llamaInspectFinding/v1': [rule, member, facts['name'], facts['code']].join(' ') },
    properties: Object.fromEntries(known),
  };
}

/** A path as a URI reference: relative as it was given, or `file://` where it is absolute. */
function uriOfPath(path: string): string {
  const slashed = path
    .replaceAll('\\', '/')
    .replace(/^(?:\.\/)+/, '')
    .replace(/\p{Cs}/gu, '\ufffd');
  const encoded = slashed.split('/').map(encodeURIComponent).join('/'); // prettier-ignore
  if (slashed.startsWith('/')) return `file://${encoded}`;
  return /^[A-Za-z]:\//.test(slashed) ? `file:///${slashed.slice(0, 2)}${encoded.slice(4)}` : encoded;
}
