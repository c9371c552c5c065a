// Runs a reader of request heads over chunks, and says what came of it as plain values that tests can compare.

import assert from 'node:assert/strict'
import { RequestHeadReader } from '../../src/protocol/request-head.js'
import type { Refusal, UpgradeRequest } from '../../src/protocol/upgrade-request.js'

export interface HeadRead {
  readonly head: UpgradeRequest | undefined
  readonly refusal: Refusal | undefined
  /** Octets of the whole head as latin1; empty if it did not come whole. */
  readonly text: string
  /** How many octets the whole head had; undefined if it did not come whole. */
  readonly length: number | undefined
}

const MARGIN = 16

/**
 * Reads `chunks`. Each is given as a copy in the middle of a larger buffer that is overwritten afterwards, as a shared
 * read buffer is: nothing may be read outside the chunk, or after its turn.
 */
export function readHead(...chunks: readonly Uint8Array[]): HeadRead {
  const reader = new RequestHeadReader()
  let before = 0
  let length: number | undefined
  for (const chunk of chunks) {
    const wasWhole = reader.head !== undefined
    const wasHttp2 = reader.isHttp2
    // A letter before the chunk would be a part of its line, and a line feed behind it would end that.
    const buffer = Buffer.alloc(chunk.length + 2 * MARGIN, '\n').fill('G', 0, MARGIN)
    buffer.set(chunk, MARGIN)
    const position = reader.push(buffer, MARGIN, MARGIN + chunk.length)
    buffer.fill(0xff)
    if (wasWhole) assert.equal(position, MARGIN)
    else if (reader.isHttp2 && !wasHttp2) assert.equal(before + position - MARGIN, reader.text.length)
    else if (reader.head === undefined) assert.equal(position, MARGIN + chunk.length)
    else length = before + position - MARGIN
    before += chunk.length
    assert.equal(reader.begun, before > 0)
  }
  const { head, refusal, text } = reader
  assert.ok(head === undefined || refusal === undefined)
  return { head, refusal, text, length }
}

/** How many octets it takes, one at a time, until they are refused. */
export function octetsUntilRefused(octets: Uint8Array): number {
  const reader = new RequestHeadReader()
  const chunk = Buffer.from(octets)
  for (let i = 0; i < chunk.length; i++) {
    reader.push(chunk, i, i + 1)
    if (reader.refusal !== undefined) return i + 1
  }
  return assert.fail('not refused')
}

/** The octets of a head, given as latin1 text. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
