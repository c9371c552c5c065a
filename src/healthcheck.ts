// `echobahn healthcheck`: asks a running service for its readiness, then for work, one message echoed through its port.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect, isIPv6, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ClientOptions, WebSocket } from 'ws'
import { ExitError } from './errors.js'
import type { Settings } from './settings.js'

/** Milliseconds: below the 5 s that the container's HEALTHCHECK allows, so that the reason is told. */
const TIMEOUT = 4000

/** Octets of the message; random, so that no answer but its echo can be the same. */
const MESSAGE_LENGTH = 64

/** Signature, version 2 and LOCAL, no addresses. */
const PROXY_LOCAL = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')

/** Connection reports show it, so `/connections?agent=` can tell these connections from others. */
const USER_AGENT = 'echobahn-healthcheck'

/**
 * Resolves with a line that says what was proved.
 *
 * @param settings those of the service that runs, by the same flags and variables
 * @param timeout milliseconds for all of it
 * @throws ExitError of code ECHOBAHN_UNHEALTHY: not ready, not reachable, no echo or a wrong one, no clean close
 */
export async function checkHealth(settings: Settings, timeout = TIMEOUT): Promise<string> {
  const signal = AbortSignal.timeout(timeout)
  const admin = `http://${reachable(settings.adminHost, settings.adminPort)}/readyz`
  const service = serviceUrl(settings)
  await attempt(admin, () => askReadiness(admin, signal))
  await attempt(service, () => askEcho(service, settings, signal))
  return `healthy: ${admin} is ready, ${service} echoes`
}

function serviceUrl({ host, port, path, tlsCert }: Settings): string {
  return `${tlsCert === undefined ? 'ws' : 'wss'}://${reachable(host, port)}${path ?? '/'}`
}

/** A service that listens on every address is asked on loopback. */
function reachable(host: string, port: number): string {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}

async function attempt(url: string, ask: () => Promise<void>): Promise<void> {
  try {
    await ask()
  } catch (error) {
    throw new ExitError('ECHOBAHN_UNHEALTHY', `unhealthy: ${url}: ${explain(error as NodeJS.ErrnoException)}`)
  }
}

function explain({ name, code, message }: NodeJS.ErrnoException): string {
  if (name === 'AbortError') return 'no answer in time'
  // Where a name has several addresses, all refused, Node's error has a code and no message.
  return message === '' ? String(code) : message
}

async function askReadiness(url: string, signal: AbortSignal): Promise<void> {
  const request = get(url, { signal, agent: false, headers: { 'User-Agent': USER_AGENT } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  if (response.statusCode !== 200) throw new Error(`answers ${response.statusCode}`)
}

async function askEcho(url: string, settings: Settings, signal: AbortSignal): Promise<void> {
  const socket = new WebSocket(url, [...settings.subprotocol], clientOptions(settings))
  try {
    await once(socket, 'open', { signal })
    const message = randomBytes(MESSAGE_LENGTH)
    socket.send(message)
    const [echo] = (await once(socket, 'message', { signal })) as [Buffer]
    if (!message.equals(echo)) throw new Error('the echo is not what was sent')
    socket.close(1000)
    await once(socket, 'close', { signal })
  } finally {
    // Aborting an opening handshake makes ws emit an error, which nobody waits for any more.
    socket.on('error', () => {})
    socket.terminate()
  }
}

function clientOptions({ origin: [origin], proxyProtocol, tlsCert }: Settings): ClientOptions {
  return {
    headers: { 'User-Agent': USER_AGENT },
    perMessageDeflate: false,
    // The certificate names the host that clients know, not the address where the service is asked here.
    rejectUnauthorized: false,
    ...(origin === undefined ? {} : { origin }),
    ...(proxyProtocol === 'required' && {
      createConnection: (options: unknown) => connectForOneself(options as TcpNetConnectOpts, tlsCert !== undefined),
    }),
  }
}

/** Connects with the PROXY header of a proxy that speaks for itself; the service takes it where this host is trusted. */
function connectForOneself(options: TcpNetConnectOpts, secure: boolean): Socket {
  const socket = connect(options)
  socket.write(PROXY_LOCAL)
  return secure ? connectTls({ socket, rejectUnauthorized: false }) : socket
}
