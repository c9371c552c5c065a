// Sends an accepted socket to a worker process. The one place that touches a socket's native handle.

import type { Worker } from 'node:cluster'
import type { Socket } from 'node:net'
import type { Handover } from '../messages.js'

/**
 * Sends a copy of the socket with `message`; ours stays open.
 *
 * The native handle is sent rather than the `net.Socket`, since for those Node keeps a list of sockets per server on
 * both sides and asks the workers when the server closes. The handle is not public: when it is not as expected, the
 * socket itself goes. Either way the worker must expect what comes with the message to be one or the other.
 */
export function sendSocket(worker: Worker, message: Handover, socket: Socket): void {
  const handle = nativeHandle(socket)
  if (handle) worker.send(message, handle)
  else worker.send(message, socket, { keepOpen: true })
}

/** Typed as the socket it belongs to: `send` takes native handles, but its types do not say so. */
function nativeHandle(socket: Socket): Socket | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Socket }
  return handle?.constructor.name === 'TCP' ? handle : undefined
}
