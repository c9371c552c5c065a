// How the handle of an accepted connection gets from the primary to a worker: both ends of that way.
//
// `worker.send(message, handle)` is Node's own way. It sends one handle at a time, the next when the other side's Node has
// acknowledged the one before, and that costs more than all the rest of a hand-over. So the message is written to the IPC
// pipe together with the handle, as Node itself does it, but without the acknowledgement: the workers say anyway what they
// have taken. This is the only file that knows how Node uses the pipe; where it is not as expected, Node's own way is taken.

import type { Worker } from 'node:cluster'
import { Socket } from 'node:net'
import type { Handover } from './messages.js'

/** What Node calls the internal messages that bring a handle; one without that name would be delivered without it. */
const WITH_HANDLE = 'NODE_HANDLE'

/** The part of Node's request for a write that is used here. */
interface WriteRequest {
  oncomplete: () => void
}

/** The part of Node's IPC pipe that is used here. */
interface Pipe {
  /** Returns the system's error number, or 0; then the request completes later, also when the write fails. */
  writeUtf8String(request: WriteRequest, text: string, handle: object): number
}

interface DirectWay {
  readonly pipe: Pipe
  readonly Request: new () => WriteRequest
}

/** The primary's end: one for each worker. */
export class HandleChannel {
  readonly #worker: Worker
  readonly #direct: DirectWay | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    this.#direct = directWayTo(worker)
  }

  /** Whether handles are written to the pipe directly. */
  get direct(): boolean {
    return this.#direct !== undefined
  }

  /**
   * Sends a copy of `connection`, a bare TCP handle or a socket; ours stays open. It must not be closed before `written` is
   * called, which happens once, whether it was sent or not: a write that waits for room in the pipe still needs it.
   */
  send(handover: Handover, connection: object, written: () => void): void {
    if (this.#direct === undefined || connection instanceof Socket) {
      // `send` takes bare handles too, but its types do not say so.
      this.#worker.send(handover, connection as Socket, { keepOpen: true }, written)
    } else write(this.#direct, handover, connection, written)
  }
}

function write({ pipe, Request }: DirectWay, handover: Handover, handle: object, written: () => void): void {
  const request = new Request()
  request.oncomplete = written
  const { type, id, admission, deadline } = handover
  const text = `{"cmd":"${WITH_HANDLE}","type":"${type}","id":${id},"admission":${admission},"deadline":${deadline}}\n`
  if (pipe.writeUtf8String(request, text, handle) !== 0) written()
}

/** Undefined when Node's IPC is not as expected. It must use JSON (see `setupWorkers`). */
function directWayTo({ process: child }: Worker): DirectWay | undefined {
  const key = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle')
  const pipe = key && (child as unknown as Record<symbol, Partial<Pipe> | null>)[key]
  const Request = writeRequestClass()
  if (typeof pipe?.writeUtf8String !== 'function' || Request === undefined) return undefined
  return { pipe: pipe as Pipe, Request }
}

function writeRequestClass(): DirectWay['Request'] | undefined {
  try {
    const { binding } = process as unknown as { binding(name: string): { WriteWrap?: DirectWay['Request'] } }
    return binding('stream_wrap').WriteWrap
  } catch {
    return undefined
  }
}

/**
 * The worker's end: gives every hand-over to `listener`, with a bare TCP handle, or a socket where the primary had one, or
 * undefined where the handle did not get here.
 */
export function receiveHandles(listener: (handover: Handover, connection: object | undefined) => void): void {
  const onInternalMessage = (message: Partial<Handover> & { cmd: string }, handle: object | null): void => {
    if (message.cmd !== WITH_HANDLE || message.type !== 'handover') return
    // Node's own listener comes next: it would take the message for one of its own, and acknowledge it.
    message.cmd = ''
    listener(message as Handover, handle ?? undefined)
  }
  process.prependListener('internalMessage' as 'message', onInternalMessage as NodeJS.MessageListener)
  process.on('message', (message: Partial<Handover>, handle: unknown) => {
    if (message.type === 'handover') listener(message as Handover, (handle as object | null) ?? undefined)
  })
}

/** Closes a copy without a word to the peer, whom somebody else may serve. */
export function closeCopy(connection: object): void {
  if (connection instanceof Socket) connection.destroy()
  else (connection as { close(): void }).close()
}
