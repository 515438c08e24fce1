/**
 * The kinds of finding, in words: for SARIF's list of rules and for the documentation.
 *
 * @module
 */
import type { ScanRule } from '../integrity/scan/scan-report.js';

/** What a kind of finding is called and how grave it is. */
export interface RuleText {
  /** A heading. */
  readonly title: string;
  /** What it means, and why it counts. */
  readonly help: string;
  /** SARIF's level. */
  readonly level: 'error' | 'warning';
  /** Severity from 0 to 10, as CVSS counts it; GitHub sorts by it. */
  readonly severity: number;
}

/** Kinds of finding of a scan, and files that could not be scanned. */
export const RULE_TEXTS: Readonly<Record<ScanRule | 'unreadable', RuleText>> = {
  'dangerous-global': {
    title: 'A pickle names something that can do harm',
    help: 'Loading it imports a class or function that can run code, read files, open the network or import.',
    level: 'error',
    severity: 9.8,
  },
  'unknown-global': {
    title: 'A pickle names something that is on no list',
    help: 'Loading it imports a class or function of which nothing is known. If you know it, allow it by name.',
    level: 'error',
    severity: 7.5,
  },
  'unnamed-global': {
    title: 'A pickle imports something whose name is computed',
    help: 'No sound program writes this; it hides what is imported.',
    level: 'error',
    severity: 9,
  },
  extension: {
    title: 'A pickle takes a class from a registry by its number',
    help: 'Which class that is only the loading program knows.',
    level: 'error',
    severity: 7.5,
  },
  'computed-call': {
    title: 'A pickle calls something that it did not import by name',
    help: 'What would be called cannot be told without running it.',
    level: 'error',
    severity: 8,
  },
  'changed-class': {
    title: 'A pickle changes a class or a function itself',
    help: 'Everything that uses it afterwards behaves differently, in the whole program.',
    level: 'error',
    severity: 9,
  },
  'unsafe-use': {
    title: 'A pickle uses an allowed name as no pickler does',
    help: 'Numbers taken for addresses, computed arguments, or a function that calls another: ways to run code.',
    level: 'error',
    severity: 9,
  },
  'broken-pickle': {
    title: 'A pickle is broken',
    help: 'Python runs it up to the fault; scanners that give up there see nothing.',
    level: 'error',
    severity: 6,
  },
  'bytes-after-pickle': {
    title: 'Something follows the end of a pickle',
    help: 'Programs that load several pickles see it, others do not.',
    level: 'warning',
    severity: 5,
  },
  code: {
    title: 'An archive holds program code',
    help: 'It runs when the package is imported, the model is called or the library is loaded.',
    level: 'warning',
    severity: 7,
  },
  'archive-structure': {
    title: 'Two programs may read this archive differently',
    help: 'Names twice, members over each other, headers that contradict, or a member that cannot be unpacked.',
    level: 'warning',
    severity: 6,
  },
  'member-name': {
    title: 'A member has a name that is no good for a file',
    help: 'Unpacking it may write outside of the folder, or over another member.',
    level: 'warning',
    severity: 6,
  },
  'bytes-before': {
    title: 'Something stands before the archive',
    help: 'Programs that read from the front see it, others do not; torch.load takes it for the file.',
    level: 'warning',
    severity: 6,
  },
  'bytes-after': {
    title: 'Something follows the end of the file',
    help: 'Bytes that belong to none of its parts.',
    level: 'warning',
    severity: 4,
  },
  'second-format': {
    title: 'The file is two formats at once',
    help: 'Which one a program sees depends on the program.',
    level: 'error',
    severity: 7.5,
  },
  'bad-structure': {
    title: 'A file of tensors does not keep to its format',
    help: 'Programs that are less strict may read it, and not all of them the same.',
    level: 'warning',
    severity: 5,
  },
  'not-scanned': {
    title: 'A part was not looked into',
    help: 'It lies too deep, is packed, or takes too much to unpack.',
    level: 'warning',
    severity: 5,
  },
  unreadable: {
    title: 'A file could not be scanned',
    help: 'It is cut off, or not what its name promises. Nothing is known about it.',
    level: 'error',
    severity: 5,
  },
};
