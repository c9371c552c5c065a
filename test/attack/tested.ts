// Attacks and mishaps that the test suite proves: their tests are run, and told as rows of the table.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Tested {
  readonly name: string
  /** One line. */
  readonly does: string
  /** The compiled test file, from the folder of the tests. */
  readonly file: string
  /** The tests of the file, as --test-name-pattern takes them; all if there is none. */
  readonly pattern?: string
}

export const TESTED: readonly Tested[] = [
  {
    name: 'a full disk',
    does: 'no line of the log can be written, at the start, at a reload and at the end',
    file: 'integration/full-disk.test.js',
  },
  {
    name: 'lost codec threads',
    does: 'threads are ended while others start, 100 times over',
    file: 'unit/codec/codec-thread-start.test.js',
  },
  {
    name: 'renegotiation',
    does: 'a TLS 1.2 client asks for a new handshake within its connection',
    file: 'integration/tls.test.js',
    pattern: 'handshake done again',
  },
  {
    name: 'floods of HTTP/2',
    does: 'rapid reset, SETTINGS, PING, CONTINUATION, windows filled octet by octet and more, of one session each',
    file: 'integration/http2-floods.test.js',
  },
]

/** Milliseconds that a file's tests may take. */
const LONGEST = 120_000

/** Whether the tests pass. */
export function passes({ file, pattern }: Tested): Promise<boolean> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const which = pattern === undefined ? [] : [`--test-name-pattern=${pattern}`]
  return new Promise(resolve => {
    execFile(process.execPath, ['--test', ...which, path], { timeout: LONGEST }, error => resolve(error === null))
  })
}
