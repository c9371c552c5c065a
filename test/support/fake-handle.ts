// A TCP handle without a connection: the test says what is read and what the kernel takes. It tells its results the way
// that Node's does, in the state that all handles share.

import type { HandleRequest, TcpHandle, WriteRequest } from '../../src/transport/tcp-handle.js'

interface StreamState {
  readonly streamBaseState: Int32Array
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

const { streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = (
  process as unknown as { binding(name: 'stream_wrap'): StreamState }
).binding('stream_wrap')

export class FakeHandle implements TcpHandle {
  bytesRead: number | undefined = 0
  bytesWritten: number | undefined = 0
  writeQueueSize: number | undefined = 0
  onread: (this: TcpHandle) => void = () => {}
  owner: unknown
  /** What was called, with its arguments' gist. */
  readonly calls: string[] = []
  /** The system's error that a method returns, by its name. */
  readonly errors: { [method: string]: number } = {}
  /** Octets that the kernel still takes at once. */
  takes = Number.POSITIVE_INFINITY
  readonly writes: { readonly request: WriteRequest; readonly bytes: Buffer }[] = []
  shutdownRequest: HandleRequest | undefined
  #buffer: Uint8Array = new Uint8Array()
  #closed: ((this: TcpHandle) => void) | undefined

  readStart(): number {
    return this.#call('readStart')
  }

  readStop(): number {
    return this.#call('readStop')
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#buffer = buffer
  }

  setNoDelay(on: boolean): number {
    return this.#call('setNoDelay', on)
  }

  getpeername(name: { address?: string; port?: number }): number {
    Object.assign(name, { address: '192.0.2.7', port: 4711 })
    return 0
  }

  writeBuffer(request: WriteRequest, bytes: Buffer): number {
    const error = this.#call('write', bytes.length)
    if (error !== 0) return error
    const left = Math.max(0, bytes.length - this.takes)
    this.takes -= bytes.length - left
    this.bytesWritten = (this.bytesWritten ?? 0) + bytes.length
    this.writeQueueSize = (this.writeQueueSize ?? 0) + left
    streamBaseState[kLastWriteWasAsync] = left > 0 ? 1 : 0
    // What waits stays the writer's; of what is taken the kernel has a copy.
    this.writes.push({ request, bytes: left > 0 ? bytes : Buffer.from(bytes) })
    return 0
  }

  shutdown(request: HandleRequest): number {
    this.shutdownRequest = request
    return this.#call('shutdown')
  }

  close(closed?: (this: TcpHandle) => void): void {
    this.#call('close')
    this.#closed = closed
    this.bytesRead = this.bytesWritten = this.writeQueueSize = undefined
  }

  reset(closed: (this: TcpHandle) => void): number {
    this.#closed = closed
    return this.#call('reset')
  }

  /** The peer has sent these octets. */
  receive(octets: Buffer | string): void {
    const size = Buffer.from(octets as Buffer).copy(this.#buffer)
    this.bytesRead = (this.bytesRead ?? 0) + size
    this.tellRead(size)
  }

  /** A read ended with this number of octets, error or end of file. */
  tellRead(result: number): void {
    streamBaseState[kReadBytesOrError] = result
    this.onread()
  }

  /** The kernel takes all but `left` octets of what waits. */
  take(left = 0): void {
    this.writeQueueSize = left
  }

  /** Completes a request; one that waits is of a write or of the shutdown. */
  complete(request: HandleRequest, status = 0): void {
    request.oncomplete?.(status)
  }

  /** The system has closed the handle. */
  tellClosed(): void {
    this.#closed?.()
  }

  #call(method: string, detail: unknown = ''): number {
    this.calls.push(`${method} ${detail}`.trim())
    return this.errors[method] ?? 0
  }
}
