// XOR of 16 octets at a time. JavaScript's integers have 32 bits, so this is WebAssembly: a module of one function and one page
// of memory, which runs on every processor that Node does. Octets are moved into the page, XORed there, and moved out.

/** Octets of the page, and at most so many of one call. */
export const PAGE = 65_536

/** Octets of one round of the loop: the function works on multiples of it. */
export const ROUND = 32

/** As much of WebAssembly as is used; Node's types have none of it. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

export interface WideMask {
  readonly page: Uint8Array
  /**
   * XORs the first `length` octets of the page with `word`, its least significant octet first.
   *
   * @param length a multiple of `ROUND`, and not 0
   * @returns 0 if all octets are ASCII then
   */
  readonly xor: (length: number, word: number) => number
}

/**
 * Makes the module, with a page of its own.
 *
 * @returns undefined where that cannot be: for the page of 64 KiB the engine sets aside 10 GiB of addresses, which `ulimit -v` may
 *   forbid, and `--jitless` leaves WebAssembly out
 */
export function makeWideMask(): WideMask | undefined {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE))
    const { xor, memory } = exports as { xor: WideMask['xor']; memory: { buffer: ArrayBuffer } }
    return { page: new Uint8Array(memory.buffer), xor }
  } catch {
    return undefined
  }
}

// (func (export "xor") (param $length i32) (param $word i32) (result i32)
//   (local $at i32) (local $mask v128) (local $union v128) (local $octets v128) …
const LENGTH = '00'
const WORD = '01'
const AT = '02'
const MASK = '03'
const UNION = '04'
const OCTETS = '05'

/** Unmasks 16 octets, `from` octets behind `$at`, and adds them to `$union`. */
function step(from: string): string[] {
  return [
    `20 ${AT}`, //         local.get $at, for the store
    `20 ${AT}`, //         local.get $at, for the load
    `fd 00 04 ${from}`, // v128.load align=16
    `20 ${MASK}`, //       local.get $mask
    'fd 51', //            v128.xor
    `22 ${OCTETS}`, //     local.tee $octets
    `fd 0b 04 ${from}`, // v128.store align=16
    `20 ${UNION}`, //      local.get $union
    `20 ${OCTETS}`, //     local.get $octets
    'fd 50', //            v128.or
    `21 ${UNION}`, //      local.set $union
  ]
}

const FUNCTION = [
  '02 01 7f 03 7b', //   locals: one i32, three v128
  `20 ${WORD}`, //       local.get $word
  'fd 11', //            i32x4.splat
  `21 ${MASK}`, //       local.set $mask
  '03 40', //            loop
  ...step('00'),
  ...step('10'),
  `20 ${AT}`, //           local.get $at
  '41 20', //              i32.const 32
  '6a', //                 i32.add
  `22 ${AT}`, //           local.tee $at
  `20 ${LENGTH}`, //       local.get $length
  '49', //                 i32.lt_u
  '0d 00', //              br_if to the loop
  '0b', //               end
  `20 ${UNION}`, //      local.get $union
  'fd 64', //            i8x16.bitmask: the most significant bit of each octet
  '0b', //               end
]

const MODULE = octets([
  '00 61 73 6d 01 00 00 00', //                         magic and version
  section('01', ['01', '60 02 7f 7f 01 7f']), //        types: (i32, i32) -> i32
  section('03', ['01', '00']), //                       functions: one, of type 0
  section('05', ['01', '01 01 01']), //                 memories: one, of one page and no more
  section('07', ['02', exported('xor', '00'), exported('memory', '02')]),
  section('0a', ['01', sized(FUNCTION)]),
])

function section(id: string, content: readonly string[]): string {
  return `${id} ${sized(content)}`
}

/** An export of the first thing of a kind. */
function exported(name: string, kind: string): string {
  return `${sized([Buffer.from(name).toString('hex')])} ${kind} 00`
}

/** The content behind its length, of one octet: all here are shorter than 128. */
function sized(content: readonly string[]): string {
  return Buffer.concat([Buffer.of(octets(content).length), octets(content)]).toString('hex')
}

function octets(hex: readonly string[]): Buffer {
  return Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')
}
