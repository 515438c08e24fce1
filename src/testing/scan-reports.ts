/**
 * Reports of scans for the tests of other reports.
 *
 * Not part of the package.
 *
 * @module
 */
import type { ScanReport } from '../integrity/scan/scan-report.js';

/** A scan that had nothing to look at, about which reports say nothing. */
export const NOT_SCANNED: ScanReport = { path: 'Llama', verdict: 'clean', allow: [], files: [], others: [], notes: [] };
