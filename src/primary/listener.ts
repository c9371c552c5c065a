// The listening sockets of the primary: binding them, and saying clearly why they cannot be bound.

import { type AddressInfo, createServer, isIPv6, type Server } from 'node:net'
import { ExitError } from '../errors.js'

/** Connections that the kernel completes before we accept them; it cuts this to its own limit (net.core.somaxconn). */
const BACKLOG = 4096

/**
 * A server whose sockets are not read here: the first octets belong to the worker.
 * TCP_NODELAY is left to the worker too, since every option set is a system call.
 */
export function createListener(): Server {
  return createServer({ pauseOnConnect: true, noDelay: false })
}

/** Binds and listens; returns the port, which the system chose when `port` is 0. Throws ECHOBAHN_LISTEN_FAILED. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) =>
      reject(new ExitError('ECHOBAHN_LISTEN_FAILED', explain(error, host, port)))
    server.once('error', onError)
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeListener('error', onError)
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}

/** `host:port` as a URL has it: IPv6 addresses stand in brackets (RFC 3986 section 3.2.2). */
export function authority(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use by another process`
    case 'EACCES':
      return `port ${port} on ${host} needs more privileges than this process has`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine (${error.code})`
    default:
      return `cannot listen on port ${port} of ${host}: ${error.message}`
  }
}
