// ws's permessage-deflate by itself, as a client has it: zlib streams that live as long as context takeover says.

import * as ws from 'ws'

type Done = (error: Error | null, octets: Buffer) => void

/** What ws exports and its types leave out. */
interface WsInternals {
  readonly extension: { parse(header: string): Record<string, object[]> }
  readonly PerMessageDeflate: new (options: { readonly threshold: number }) => PerMessageDeflate
}

interface PerMessageDeflate {
  accept(answers: readonly object[]): void
  compress(plain: Buffer, fin: true, done: Done): void
  decompress(payload: Buffer, fin: true, done: Done): void
  cleanup(): void
}

const { extension, PerMessageDeflate } = ws as unknown as WsInternals

export class WsDeflate {
  readonly #deflate = new PerMessageDeflate({ threshold: 0 })

  /** @param answer the server's Sec-WebSocket-Extensions header */
  constructor(answer: string) {
    this.#deflate.accept(extension.parse(answer)['permessage-deflate'])
  }

  compress(plain: Buffer): Promise<Buffer> {
    return promised(done => this.#deflate.compress(plain, true, done))
  }

  decompress(payload: Buffer): Promise<Buffer> {
    return promised(done => this.#deflate.decompress(payload, true, done))
  }

  close(): void {
    this.#deflate.cleanup()
  }
}

function promised(start: (done: Done) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => start((error, octets) => (error === null ? resolve(octets) : reject(error))))
}
