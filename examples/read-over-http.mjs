// @ts-check
/**
 * Lists the tensors of a file on a web server as a web page would, and tells how little of it was fetched.
 *
 * The first lines stand for the server; what follows them runs in a browser as it is. There, the server must permit pages of
 * other sites (CORS) and expose the header `content-range`, as huggingface.co does.
 *
 * Prints: requests fetched 4 % of 2762231 bytes
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { openHttpSource, openTensorFile } from 'llama-inspect';

const bytes = await readFile('fixtures/llama3.2-tiny/consolidated.00.pth');
const server = createServer((request, response) => {
  const [, first = 0, last = bytes.length] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = bytes.subarray(Number(first), Number(last) + 1);
  const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-range': range, 'content-length': part.length }).end(part);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
const address = server.address();
const port = typeof address === 'object' ? address?.port : undefined;

const source = await openHttpSource(`http://127.0.0.1:${port}/consolidated.00.pth`);
const file = await openTensorFile(source);
for (const { name, dtype, shape } of file.tensors) console.log(`${name} ${dtype} ${shape.join(' × ')}`);
const { byteLength, requests } = source.traffic();
console.log(`${requests} requests fetched ${Math.round((100 * byteLength) / source.size)} % of ${source.size} bytes`);
await file.close();

server.close();
server.closeAllConnections();
