// A TCP proxy that flips one bit of what the server sends.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/**
 * @param at place of the octet, from 0, on each connection
 * @returns port on 127.0.0.1
 */
export async function flippingProxy(t: { after(hook: () => void): void }, port: number, at: number): Promise<number> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    let seen = 0
    upstream.on('data', chunk => {
      if (seen <= at && at < seen + chunk.length) chunk[at - seen] ^= 1
      seen += chunk.length
      client.write(chunk)
    })
    upstream.on('end', () => client.end())
    client.pipe(upstream)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}
