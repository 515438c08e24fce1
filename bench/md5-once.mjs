#!/usr/bin/env node
// @ts-check
/**
 * MD5 of files, one after the other, by `node:crypto`: what hashing costs a program that does nothing clever.
 *
 *     node bench/md5-once.mjs FILE...
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const block = Buffer.alloc(1 << 20);
for (const path of process.argv.slice(2)) {
  const md5 = createHash('md5');
  const file = openSync(path, 'r');
  for (let length = readSync(file, block); length > 0; length = readSync(file, block)) {
    md5.update(block.subarray(0, length));
  }
  closeSync(file);
  console.log(`${md5.digest('hex')}  ${path}`);
}
