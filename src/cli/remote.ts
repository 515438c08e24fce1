/**
 * Addresses in place of paths: what is sent with requests, and what they took.
 *
 * Only commands that use this ever open a connection, and only for an address that was typed.
 *
 * @module
 */
import type { Command } from 'commander';

import { isAddress } from '../source/address.js';
import type { HttpOptions, Traffic } from '../source/http-options.js';
import type { Answer } from './context.js';
import { usageError } from './errors.js';

/** What a command that takes addresses is given. */
export interface HeaderOption {
  /** Headers for the server of the address. */
  readonly header?: Readonly<Record<string, string>>;
}

/** Access to the address that was given, if one was. */
export interface Access {
  /** How it is read; undefined for a path. */
  readonly remote: HttpOptions | undefined;
  /** The answer with what was fetched for it, where the path was an address. */
  readonly told: (answer: Answer) => Answer;
}

/** The one server to which the token in the environment is sent, and only over TLS. */
const HUB = 'https://huggingface.co';

/** Adds `--header`. */
export function addHeaderOption(command: Command): Command {
  return command.option(
    '--header <name=value>',
    'for the server of an https:// path, and no other; may be given again',
    collectHeader,
  );
}

/** The headers so far and one more. The text may hold a secret, so no message repeats it. @throws CliError `cli/usage` */
function collectHeader(text: string, headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name, value] = /^([\w-]+)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { ...headers, [name.toLowerCase()]: value };
  throw usageError('--header takes NAME=VALUE, such as --header "authorization=Bearer TOKEN"');
}

/**
 * Access to a path that may be an address.
 *
 * @param path - as it was typed
 * @param header - what `--header` was given
 * @param environment - where `HF_TOKEN` is looked for
 * @throws CliError `cli/usage` for headers with a path of this machine
 */
export function accessTo(
  path: string,
  { header = {} }: HeaderOption,
  environment: NodeJS.ProcessEnv = process.env,
): Access {
  if (!isAddress(path)) {
    if (Object.keys(header).length === 0) return { remote: undefined, told: (answer) => answer };
    throw usageError('--header is sent to servers, but the path given is no address');
  }
  const fetched = { requests: 0, byteLength: 0 };
  const onTraffic = ({ requests, byteLength }: Traffic): void => {
    fetched.requests += requests;
    fetched.byteLength += byteLength;
  };
  return {
    remote: { headers: { ...hubToken(path, environment), ...header }, onTraffic },
    told: ({ lines, json, ...answer }) => ({
      ...answer,
      lines: async () => [...(await lines()), ...(await import('../report/fetched.js')).fetchedLines(fetched)],
      json: async () => ({ ...(await json()), fetched }),
    }),
  };
}

function hubToken(address: string, environment: NodeJS.ProcessEnv): Record<string, string> {
  const token = environment['HF_TOKEN']?.trim() ?? '';
  const isHub = URL.canParse(address) && new URL(address).origin === HUB;
  return isHub && token !== '' ? { authorization: `Bearer ${token}` } : {};
}
