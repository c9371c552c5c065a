// Which cores the server gets and which the client, and commands that stay on them.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Placement {
  readonly server: readonly number[]
  readonly client: readonly number[]
  /** False when there are too few cores to keep client and server apart. */
  readonly apart: boolean
}

/** Cores that this process may run on; none where they cannot be chosen: elsewhere than on Linux, or without taskset. */
export function usableCores(): number[] {
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0) return []
  const allowed = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(.*)$/m)
  return parseCoreList(allowed?.[1] ?? '')
}

/** Cores of a list as Linux writes it, such as `0-2,5`. */
export function parseCoreList(list: string): number[] {
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number)
    return range === '' ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** The server gets the first `serverCores`, the client the others, or all when none are left. */
export function place(cores: readonly number[], serverCores: number): Placement {
  const server = cores.slice(0, serverCores)
  const others = cores.slice(serverCores)
  const apart = others.length > 0
  return { server, client: apart ? others : cores, apart }
}

/** The command, kept on these cores; taskset becomes the program, so the pid is the program's. No cores: anywhere. */
export function pinned(cores: readonly number[], command: readonly string[]): string[] {
  return cores.length === 0 ? [...command] : ['taskset', '-c', cores.join(','), ...command]
}
