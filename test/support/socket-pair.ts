// Both ends of a TCP connection on loopback, for as long as a test lasts.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export async function socketPair(t: { after(hook: () => void): void }): Promise<{ client: Socket; accepted: Socket }> {
  const server = createServer()
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [accepted] = (await once(server, 'connection')) as [Socket]
  for (const socket of [client, accepted]) t.after(() => socket.destroy())
  client.on('error', () => {})
  return { client, accepted }
}
