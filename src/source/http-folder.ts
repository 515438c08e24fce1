/**
 * A folder on a web server.
 *
 * A server does not tell what a folder holds, so files are asked for by the names that checkpoints have; the first
 * request for each brings its size and beginning along. Where there is a list, as on huggingface.co, it is used instead.
 *
 * @module
 */
import { type ByteSource, SourceError } from './byte-source.js';
import { KNOWN_NAMES, isIndex, namesAfter, namesInIndex } from './checkpoint-names.js';
import { type Folder, type FolderEntry, expectNameInside } from './folder.js';
import { openHttpFile } from './http.js';
import type { HttpClient } from './http-client.js';
import { describeMistake, identifySource } from './identify.js';
import { sharedSource } from './shared.js';

/** Where the files of a folder are. */
export interface HttpFolderPlace {
  /** What a person calls the folder. */
  readonly name: string;
  /** Address of a file in it. */
  addressOf(name: string): URL;
  /** The files in it and below, where the server has a list; otherwise they are asked for by these names. */
  readonly files: readonly FolderEntry[] | { readonly names: readonly string[] };
}

/**
 * A folder of which files are opened by the requests of a client. Nothing is asked before it is used; each file is
 * opened once and what was read of it is kept until the folder is forgotten, up to 4 MiB a file.
 */
export function httpFolder(client: HttpClient, place: HttpFolderPlace): Folder {
  return new HttpFolder(client, place);
}

class HttpFolder implements Folder {
  readonly name: string;
  readonly #client: HttpClient;
  readonly #place: HttpFolderPlace;
  readonly #opened = new Map<string, Promise<ByteSource | SourceError>>();
  #list: Promise<readonly FolderEntry[]> | undefined;

  constructor(client: HttpClient, place: HttpFolderPlace) {
    this.#client = client;
    this.#place = place;
    this.name = place.name;
  }

  list(): Promise<readonly FolderEntry[]> {
    this.#list ??= this.#listed().catch((cause: unknown) => {
      this.#list = undefined; // a failure may pass
      throw cause;
    });
    return this.#list;
  }

  async has(name: string): Promise<boolean> {
    const { files } = this.#place;
    const inside = expectNameInside(name, this.name);
    if (isList(files)) return files.some((file) => file.name === inside);
    return !((await this.#ask(inside)) instanceof SourceError);
  }

  async open(name: string): Promise<ByteSource> {
    const found = await this.#ask(expectNameInside(name, this.name));
    if (found instanceof SourceError) throw found;
    return sharedSource(found);
  }

  async #listed(): Promise<readonly FolderEntry[]> {
    const { files } = this.#place;
    if (isList(files)) return files.filter(({ name }) => !name.includes('/'));
    const found = await this.#present(files.names);
    for (const name of [...found]) {
      for (const next of namesAfter(name)) {
        if ((await this.#present([next])).length === 0) break;
        found.push(next);
      }
      if (isIndex(name)) found.push(...(await this.#present(await this.#namesIn(name))));
    }
    if (found.length === 0 && files.names.length > 0) throw await this.#nothing(files.names);
    const entries: FolderEntry[] = [];
    for (const name of new Set(found)) {
      const file = await this.#ask(name);
      if (!(file instanceof SourceError)) entries.push({ name, size: file.size });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #namesIn(index: string): Promise<readonly string[]> {
    await using source = await this.open(index);
    return await namesInIndex(source);
  }

  /** Those of the names under which a file is there. */
  async #present(names: readonly string[]): Promise<string[]> {
    const failing = new AbortController();
    const asked = new Set<string>();
    const answerOf = async (name: string): Promise<ByteSource | SourceError> => {
      asked.add(name);
      const answer = await this.#ask(name, failing.signal);
      asked.delete(name);
      return answer;
    };
    try {
      const answers = await Promise.all(names.map(answerOf));
      return names.filter((_name, index) => !(answers[index] instanceof SourceError));
    } catch (cause) {
      // of a silent server the others would go on for minutes, and keep the program alive
      failing.abort(cause);
      for (const name of asked) this.#opened.delete(name);
      throw cause;
    }
  }

  /** The file, or why it is not there. @throws SourceError where that is not known */
  #ask(name: string, signal?: AbortSignal): Promise<ByteSource | SourceError> {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const asked: Promise<ByteSource | SourceError> = this.#open(name, signal).catch((cause: unknown) => {
      if (this.#opened.get(name) === asked) this.#opened.delete(name); // a failure may pass
      throw cause;
    });
    this.#opened.set(name, asked);
    return asked;
  }

  async #open(name: string, signal: AbortSignal | undefined): Promise<ByteSource | SourceError> {
    try {
      const source = await openHttpFile(this.#client, this.#place.addressOf(name), `${this.name}/${name}`, signal);
      if (isList(this.#place.files)) return source;
      // some servers have a page for every name
      const identification = await identifySource(source);
      if (identification.kind !== 'html-page') return source;
      await source.close();
      return describeMistake(identification, 'a file', source.name);
    } catch (cause) {
      // a store of files that may not be listed answers 403 for names that it does not have
      if (cause instanceof SourceError && ABSENT.has(cause.code)) return cause;
      throw cause;
    }
  }

  /** The error for a folder in which nothing was found: why the first was not, if that is not just its absence. */
  async #nothing(names: readonly string[]): Promise<SourceError> {
    for (const name of names) {
      const answer = await this.#ask(name);
      if (answer instanceof SourceError && answer.code !== 'source/not-found') return answer;
    }
    const message = `the server has none of the ${names.length} files by which a checkpoint is known`;
    return new SourceError('source/not-found', message, {
      path: this.name,
      hint: 'a server does not tell what a folder holds; give the address of a file',
    });
  }
}

const ABSENT: ReadonlySet<string> = new Set(['source/not-found', 'source/permission']);

function isList(files: HttpFolderPlace['files']): files is readonly FolderEntry[] {
  return Array.isArray(files);
}

/** The names by which the files of a folder are asked for if no others are known. */
export const CHECKPOINT_FILES = { names: KNOWN_NAMES } as const;
