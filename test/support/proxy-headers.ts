// Headers of the PROXY protocol as proxies send them.

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

export const LOCAL = 0x20
export const PROXY = 0x21

export function proxyLine(address: string, port = 50000): string {
  const family = address.includes(':') ? 'TCP6' : 'TCP4'
  return `PROXY ${family} ${address} ${family === 'TCP6' ? '::1' : '127.0.0.1'} ${port} 443\r\n`
}

/** A header of version 2 whose length is that of what follows it. */
export function proxyBlock(command: number, family: number, ...parts: (Uint8Array | readonly number[])[]): Buffer {
  const rest = Buffer.concat(parts.map(part => Buffer.from(part)))
  const length = Buffer.from([rest.length >> 8, rest.length & 0xff])
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), length, rest])
}

/** For a client of IPv4, with TLVs (type, length, value) behind it. */
export function proxyBlock4(address: string, port: number, tlvs: Uint8Array = Buffer.alloc(0)): Buffer {
  const octets = [...address.split('.').map(Number), 127, 0, 0, 1, port >> 8, port & 0xff, 1, 187]
  return proxyBlock(PROXY, 0x11, octets, tlvs)
}
