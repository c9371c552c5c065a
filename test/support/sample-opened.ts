// What a connection's report begins with, for tests of what comes after.

import type { Opened } from '../../src/report/recorder.js'

export function sampleOpened(changes: Partial<Opened> = {}): Opened {
  return {
    id: 1,
    peer: '127.0.0.1:1',
    transport: 'tcp',
    httpVersion: '1.1',
    path: '/',
    query: '',
    request: 'GET / HTTP/1.1\r\n\r\n',
    key: 'dGhlIHNhbXBsZSBub25jZQ==',
    accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    userAgent: null,
    extensions: null,
    subprotocol: null,
    ...changes,
  }
}
