// The only file that reaches into Node for a TCP connection: its handle without a `net.Socket` around it.
//
// A `net.Socket` is most of what an idle connection and a small message cost. The handle under it has had the parts used
// here since Node 12; none of them is public, so all of them are looked for, and where one is missing connections go the
// way of streams. test/integration/bare-handles.test.ts fails where that happens on a Node that should have them.

import { Socket } from 'node:net'

/** The part of Node's TCP handle that is used here. Functions that return a number return the system's error, or 0. */
export interface TcpHandle {
  /** Octets read since the connection was accepted; undefined once the handle is closed, as the next two. */
  readonly bytesRead: number | undefined
  /** Octets given to the handle for writing. */
  readonly bytesWritten: number | undefined
  /** Octets of them that the kernel has not taken. */
  readonly writeQueueSize: number | undefined
  /** Called after each read, with the handle as `this`; `readResult` tells of it. */
  onread: (this: TcpHandle) => void
  readStart(): number
  readStop(): number
  /** Lets all reads go into `buffer`, from its beginning. */
  useUserBuffer(buffer: Uint8Array): void
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  shutdown(request: HandleRequest): number
  setNoDelay(on: boolean): number
  getpeername(name: PeerName): number
  /** `closed` is called with the handle as `this`. */
  close(closed?: (this: TcpHandle) => void): void
  /** Closes with RST; not while a shutdown is under way. */
  reset(closed: (this: TcpHandle) => void): number
  /** Put there by whoever uses the handle: what `onread` and `closed` find their owner by. */
  owner?: unknown
}

interface PeerName {
  address?: string
  port?: number
}

/** A write or shutdown under way. `oncomplete` has the request as `this`. */
export interface HandleRequest {
  handle?: TcpHandle
  oncomplete?: (this: this, status: number) => void
}

export interface WriteRequest extends HandleRequest {
  /** Keeps the memory alive that the kernel has not taken yet. */
  bytes?: Uint8Array
  /** When it was handed over; monotonic milliseconds. */
  writtenAt?: number
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest
  readonly ShutdownWrap: new () => HandleRequest
  /** Tells of the last call into the handle, or out of it. */
  readonly streamBaseState: Int32Array
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

/** The read result that stands for the peer's FIN, libuv's UV_EOF. */
export const END_OF_FILE = -4095

const binding = loadBinding()

function loadBinding(): StreamBinding | undefined {
  try {
    const { binding: load } = process as unknown as { binding(name: string): Partial<StreamBinding> }
    const found = load.call(process, 'stream_wrap')
    const usable =
      typeof found.WriteWrap === 'function' &&
      typeof found.ShutdownWrap === 'function' &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === 'number' &&
      typeof found.kLastWriteWasAsync === 'number'
    return usable ? (found as StreamBinding) : undefined
  } catch {
    return undefined
  }
}

const METHODS = [
  'readStart',
  'readStop',
  'useUserBuffer',
  'writeBuffer',
  'shutdown',
  'setNoDelay',
  'getpeername',
  'close',
  'reset',
] as const

/** Whether a handle that came with a hand-over can be used without a socket. */
export function isUsable(handle: unknown): handle is TcpHandle {
  if (binding === undefined || typeof handle !== 'object' || handle === null) return false
  const found = handle as Partial<TcpHandle>
  return (
    METHODS.every(method => typeof found[method] === 'function') &&
    'onread' in found &&
    typeof found.bytesRead === 'number' &&
    typeof found.bytesWritten === 'number' &&
    typeof found.writeQueueSize === 'number'
  )
}

const NO_STATE = new Int32Array(1)
const state = binding?.streamBaseState ?? NO_STATE
const readAt = binding?.kReadBytesOrError ?? 0
const asyncAt = binding?.kLastWriteWasAsync ?? 0

/** In `onread`: octets that were read, or below 0 an error or END_OF_FILE. */
export function readResult(): number {
  return state[readAt]
}

/** Right after `writeBuffer`: whether the kernel has not taken all of it, so that its request is in use. */
export function lastWriteWaits(): boolean {
  return state[asyncAt] !== 0
}

/** Only with a handle that is usable. */
export function writeRequest(): WriteRequest {
  return new (binding as StreamBinding).WriteWrap()
}

/** Only with a handle that is usable. */
export function shutdownRequest(): HandleRequest {
  return new (binding as StreamBinding).ShutdownWrap()
}

/** Address and port of the peer, in one flat string: one that is put together keeps its parts. */
export function peerName(handle: Pick<TcpHandle, 'getpeername'>): string {
  const name: PeerName = {}
  return handle.getpeername(name) === 0 ? [name.address, name.port].join(':') : ''
}

/** A socket over a handle; nothing is read before somebody asks for it. */
export function socketOver(handle: unknown): Socket {
  const options = { handle, manualStart: true, readable: true, writable: true }
  return new Socket(options as ConstructorParameters<typeof Socket>[0])
}

/** The handle under a socket, for its counts of octets; undefined when it is not as expected. */
export function handleOf(socket: Socket): Pick<TcpHandle, 'bytesRead' | 'bytesWritten' | 'writeQueueSize'> | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Partial<TcpHandle> | null }
  const usable =
    typeof handle?.bytesRead === 'number' &&
    typeof handle.bytesWritten === 'number' &&
    typeof handle.writeQueueSize === 'number'
  return usable ? (handle as TcpHandle) : undefined
}
