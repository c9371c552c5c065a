// The attackers' program: hostile connections of one kind to a server on 127.0.0.1.
// Arguments PORT KIND CONNECTIONS SECONDS. Writes `attacking` once all connections are open and begins; writes its totals
// as a line of JSON when its stdin ends or the attack has taken so many seconds, whichever is first.

import { ATTACK_KINDS } from './attack-kinds.js'
import { ATTACKING, type AttackTotals, HostileConnection, type HostileEvents, isSpent } from './hostile-connection.js'
import type { AttackLine } from './run-attack.js'

const [port, name, connections, seconds] = process.argv.slice(2)
const kind = ATTACK_KINDS.find(candidate => candidate.name === name)
if (kind === undefined) throw new Error(`no kind of attack is called ${name}`)

const totals: AttackTotals = { connections: 0, refused: 0, octets: 0 }
const script = kind.script()

// All wait for the last one: else the first ones may keep the server from ever accepting it.
let waiting = Number(connections)
let deadline: NodeJS.Timeout | undefined
let begin: () => void = () => {}
const begun = new Promise<void>(resolve => {
  begin = resolve
})
const events: HostileEvents = {
  onOpen: () => {
    waiting--
    if (waiting === 0) {
      console.log(ATTACKING)
      deadline = setTimeout(stop, Number(seconds) * 1000, false)
      begin()
    }
    return begun
  },
  // A server may well refuse and reset attackers, but not those who have done nothing yet.
  onFailure: reason => {
    if (waiting <= 0) return
    console.error(reason)
    process.exit(1)
  },
}
const attackers = Array.from({ length: Number(connections) }, () => {
  return new HostileConnection(Number(port), kind, script, totals, events)
})
for (const attacker of attackers) attacker.start()

process.stdin.on('end', () => stop(true)).resume()

/** @param told it was asked for */
function stop(told: boolean): void {
  clearTimeout(deadline)
  for (const attacker of attackers) attacker.stop()
  const line: AttackLine = { ...totals, lasted: told && !isSpent(totals) }
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit())
}
