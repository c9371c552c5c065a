// One-call access to a zlib context that is kept and reset between messages.
//
// Node offers no public way to reuse a context synchronously: building one for each message costs two to four times
// what compressing 256 octets does. The handle behind zlib's classes does (write, look at what is left, reset); that
// reach into Node lives in this file alone. Where the handle is not as expected, `openHandle` gives undefined and the
// callers use the public one-shot functions.

import zlib, { type Zlib } from 'node:zlib'

const { Z_SYNC_FLUSH } = zlib.constants

interface NativeHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void
  reset(): void
  close(): void
  onerror: (message: string, errno: number, code: string) => void
}

interface ZlibInternals {
  readonly _handle?: NativeHandle
  /** [octets of output room left, octets of input left] after a write that did not fail. */
  readonly _writeState?: Uint32Array
}

export class ZlibHandle {
  /** Octets of input that the last `write` left. */
  inputLeft = 0
  /** Octets of room that the last `write` left. */
  roomLeft = 0
  /** What zlib said of input that is corrupt. */
  error = ''
  readonly #handle: NativeHandle
  readonly #state: Uint32Array
  #failed = false

  constructor(handle: NativeHandle, state: Uint32Array) {
    this.#handle = handle
    this.#state = state
    handle.onerror = message => {
      this.#failed = true
      this.error = message
    }
  }

  /**
   * Runs the context over `length` octets of input and sync-flushes, into `output` from `at` up to `end` at most; false,
   * with `error` set, if the input is corrupt.
   */
  write(input: Uint8Array, offset: number, length: number, output: Uint8Array, at: number, end: number): boolean {
    this.#failed = false
    this.#handle.writeSync(Z_SYNC_FLUSH, input, offset, length, output, at, end - at)
    if (this.#failed) return false
    this.roomLeft = this.#state[0]
    this.inputLeft = this.#state[1]
    return true
  }

  /** Forgets window and errors: the context is as new. */
  reset(): void {
    this.#handle.reset()
  }

  /** Frees zlib's memory now, not at some garbage collection. */
  close(): void {
    this.#handle.close()
  }
}

/** Takes the handle out of a freshly made zlib object; undefined when Node's internals are not as expected. */
export function openHandle(context: Zlib): ZlibHandle | undefined {
  const { _handle: handle, _writeState: state } = context as unknown as ZlibInternals
  const usable =
    typeof handle?.writeSync === 'function' &&
    typeof handle.reset === 'function' &&
    typeof handle.close === 'function' &&
    typeof handle.onerror === 'function' &&
    state instanceof Uint32Array
  return usable ? new ZlibHandle(handle, state) : undefined
}
