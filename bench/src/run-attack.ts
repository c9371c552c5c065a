// Runs the attackers' program against a server, until it is told to stop.

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ATTACKING, type AttackTotals } from './hostile-connection.js'
import { type Place, Program } from './program.js'

/** Milliseconds in which all connections must be open. */
const START_BOUND = 20_000
/** Milliseconds that the program has to end by itself. */
const END_BOUND = 5000

export interface AttackRequest {
  /** Name of one of `ATTACK_KINDS`. */
  readonly kind: string
  readonly connections: number
  /** The attack ends after these although nobody has stopped it. */
  readonly seconds: number
}

export interface Attack {
  /** @throws Error when the attack had ended before, or nothing could be sent: what was measured beside it is void. */
  stop(): Promise<AttackResult>
}

export interface AttackResult extends Readonly<AttackTotals> {
  /** Since all connections had been open. */
  readonly seconds: number
}

/** What the program writes at its end. */
export interface AttackLine extends Readonly<AttackTotals> {
  /** It attacked until it was told to stop. */
  readonly lasted: boolean
}

/**
 * Resolves once all connections attack.
 *
 * @throws Error when they do not in time, or the program cannot run.
 */
export async function startAttack(place: Place, port: number, request: AttackRequest): Promise<Attack> {
  const { kind, connections, seconds } = request
  const file = fileURLToPath(new URL('attacker.js', import.meta.url))
  const command = [process.execPath, file, String(port), kind, String(connections), String(seconds)]
  const program = new Program(command, place, START_BOUND + seconds * 1000 + END_BOUND)
  await beginning(program)
  const start = performance.now()
  return {
    stop: async () => {
      program.goOn()
      const deadline = setTimeout(() => program.kill(), END_BOUND)
      const { lines, complaint } = await program.ending
      clearTimeout(deadline)
      if (lines.length < 2) throw new Error(`the attack failed: ${complaint}`)
      const { lasted, ...totals } = JSON.parse(lines[1]) as AttackLine
      if (!lasted) throw new Error('the attack ended by itself')
      if (totals.octets === 0) throw new Error('the attackers could not send anything')
      return { ...totals, seconds: (performance.now() - start) / 1000 }
    },
  }
}

async function beginning(program: Program): Promise<void> {
  const settled = new AbortController()
  const tooLate = delay(START_BOUND, undefined, { signal: settled.signal })
  const line = await Promise.race([program.firstLine(), tooLate])
  settled.abort()
  tooLate.catch(() => {})
  if (line === ATTACKING) return
  program.kill()
  const { complaint } = await program.ending
  throw new Error(`the attack did not begin: ${complaint || 'not all connections were accepted in time'}`)
}
