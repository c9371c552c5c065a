// Numbers that must agree with the service's to the message and the octet: of one connection, or of many.
// One array, so that adding up and sending to another thread are one step. What each place means:

import { OPCODE_NAMES } from '../protocol/opcodes.js'

/** Octets of the socket, the opening handshake included. */
export const WIRE = 0
/** Frames by opcode, in the order of `OPCODE_NAMES`. */
export const FRAMES = 1
/** Payload octets of frames by opcode, as they were on the wire. */
export const PAYLOAD = FRAMES + OPCODE_NAMES.length
/** Whole messages: text, binary. */
export const MESSAGES = PAYLOAD + OPCODE_NAMES.length
/** Application octets of messages: text, binary. */
export const MESSAGE_OCTETS = MESSAGES + 2

const WIDTH = MESSAGE_OCTETS + 2

/** Where the numbers of a direction begin. */
export const SENT = 0
export const RECEIVED = WIDTH

export function makeTraffic(): Float64Array {
  return new Float64Array(2 * WIDTH)
}

export function addTraffic(to: Float64Array, from: Readonly<Float64Array>): void {
  for (let i = 0; i < to.length; i++) to[i] += from[i]
}

/** One direction under names that the service's reports and metrics have too. */
export interface DirectionTraffic {
  readonly octets: number
  readonly frames: Readonly<Record<string, number>>
  readonly payload: Readonly<Record<string, number>>
  readonly messages: { readonly text: number; readonly binary: number }
  readonly messageOctets: { readonly text: number; readonly binary: number }
}

export interface TrafficReport {
  readonly sent: DirectionTraffic
  readonly received: DirectionTraffic
}

export function trafficReport(traffic: Readonly<Float64Array>): TrafficReport {
  return { sent: directionReport(traffic, SENT), received: directionReport(traffic, RECEIVED) }
}

function directionReport(traffic: Readonly<Float64Array>, start: number): DirectionTraffic {
  const byOpcode = (place: number) =>
    Object.fromEntries(OPCODE_NAMES.map((name, index) => [name, traffic[start + place + index]]))
  const byKind = (place: number) => ({ text: traffic[start + place], binary: traffic[start + place + 1] })
  return {
    octets: traffic[start + WIRE],
    frames: byOpcode(FRAMES),
    payload: byOpcode(PAYLOAD),
    messages: byKind(MESSAGES),
    messageOctets: byKind(MESSAGE_OCTETS),
  }
}
