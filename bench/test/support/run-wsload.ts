// Runs wsload with arguments of a test's own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { LoadLine } from '../../src/load.js'
import { buildWsload } from '../../src/wsload.js'

/** Milliseconds after which a run has failed. */
const BOUND = 60_000

/** What a run says, with the fields that only tests read. */
export interface WsloadLine extends LoadLine {
  readonly label: string
  readonly lat_us: Readonly<Record<'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>
  readonly verified_first_echoes: number
  readonly server_procs: number
}

export type Arguments = readonly (string | number)[]

/** A run that ends with a line of JSON, and its exit code. */
export async function runWsload(args: Arguments): Promise<{ code: number | null; line: WsloadLine }> {
  const { code, output, complaint } = await spawnWsload(args)
  if (output === '') throw new Error(`wsload ended with ${code} and said: ${complaint}`)
  return { code, line: JSON.parse(output) }
}

/** Any run: its exit code, and all that it wrote. */
export async function spawnWsload(args: Arguments) {
  const child = spawn(buildWsload(), args.map(String), { timeout: BOUND, stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, output, complaint }
}
