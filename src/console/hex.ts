// Octets as hexadecimal digits with text beside them, and back.

const WIDTH = 16

/** Undefined where the text is no whole octets; white space, commas, colons and `0x` are passed over. */
export function parseHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  const digits = text.replace(/0x/gi, '').replace(/[\s,:]+/g, '')
  if (digits.length % 2 !== 0 || !/^[\da-f]*$/i.test(digits)) return undefined
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}

/** Lines of an offset, 16 octets and the same as ASCII, where all that does not print is a dot. */
export function hexDump(octets: Uint8Array, width = WIDTH): string {
  const lines: string[] = []
  for (let start = 0; start < octets.length; start += width) {
    const line = octets.subarray(start, start + width)
    const digits = Array.from(line, hexOf)
      .join(' ')
      .padEnd(3 * width - 1)
    lines.push(`${start.toString(16).padStart(4, '0')}  ${digits}  ${asciiOf(line)}`)
  }
  return lines.join('\n')
}

export function hexOf(octet: number): string {
  return octet.toString(16).padStart(2, '0')
}

function asciiOf(octets: Uint8Array): string {
  return Array.from(octets, octet => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')).join('')
}
