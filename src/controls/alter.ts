// What answers a message, by the control reply, and how corrupt spoils it.

import { createHash } from 'node:crypto'
import { TEXT } from '../protocol/opcodes.js'
import type { Draw } from './dice.js'
import type { Controls } from './schema.js'

/** A message; where permessage-deflate is agreed perhaps with its payload deflated. */
export interface Message {
  readonly opcode: number
  readonly payload: Buffer
  readonly deflated: Buffer | undefined
}

export function textMessage(text: string): Message {
  return { opcode: TEXT, payload: Buffer.from(text), deflated: undefined }
}

/**
 * What answers the message; undefined for nothing.
 *
 * @param number of the message, from 1
 * @param describe JSON about the connection
 */
export function replyTo(
  message: Message,
  reply: Controls['reply'],
  number: number,
  describe: () => string,
): Message | undefined {
  const { opcode, payload } = message
  if (reply === 'none') return undefined
  if (reply === 'count') return textMessage(String(number))
  if (reply === 'size') return textMessage(String(payload.length))
  if (reply === 'sha256') return textMessage(createHash('sha256').update(payload).digest('hex'))
  if (reply === 'describe') return textMessage(describe())
  if (reply === 'upper' && opcode === TEXT) return textMessage(payload.toString().toUpperCase())
  return message
}

/**
 * The message with one bit changed, or of a text one ASCII letter, so that it stays UTF-8. Undefined where there is
 * nothing to change.
 */
export function corrupted({ opcode, payload }: Message, draw: Draw): Message | undefined {
  const at = opcode === TEXT ? pickLetter(payload, draw) : pickBit(payload, draw)
  if (at === undefined) return undefined
  const changed = Buffer.from(payload)
  changed[at.octet] ^= at.bit
  return { opcode, payload: changed, deflated: undefined }
}

interface Place {
  readonly octet: number
  readonly bit: number
}

function pickBit(payload: Buffer, draw: Draw): Place | undefined {
  if (payload.length === 0) return undefined
  return { octet: Math.floor(draw() * payload.length), bit: 1 << Math.floor(draw() * 8) }
}

/** Letters differ in case by one bit; no octet of a longer character is one (RFC 3629 section 3). */
function pickLetter(payload: Buffer, draw: Draw): Place | undefined {
  const start = Math.floor(draw() * payload.length)
  const isLetter = (octet: number): boolean => (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a)
  for (let i = 0; i < payload.length; i++) {
    const octet = (start + i) % payload.length
    if (isLetter(payload[octet])) return { octet, bit: 0x20 }
  }
  return undefined
}
