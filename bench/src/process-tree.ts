// CPU time, memory and life of a process and all its descendants, from /proc (Linux; elsewhere a tree has no figures).

import { readdirSync, readFileSync } from 'node:fs'

/** Hertz of the times in /proc/PID/stat: USER_HZ, 100 on every Linux that Node runs on. */
const CLOCK_TICKS = 100
const KIB_PER_MIB = 1024

export interface Memory {
  /** MiB. Pages that processes share count in each of them. */
  readonly resident: number
  /** MiB. A page that n processes share counts 1/n in each of them. */
  readonly proportional: number
}

/** The process and all its descendants as of now. Children of every thread count: a codec thread may fork, too. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)]
}

function childrenOf(pid: number): number[] {
  return entriesOf(`/proc/${pid}/task`).flatMap(thread =>
    (textOf(`/proc/${pid}/task/${thread}/children`).match(/\d+/g) ?? []).map(Number),
  )
}

/** User and system time of these processes, all threads, in seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = statOf(pid)
    return fields === undefined ? sum : sum + (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
  }, 0)
}

export function memoryOf(pids: readonly number[]): Memory {
  const texts = pids.map(pid => textOf(`/proc/${pid}/smaps_rollup`))
  const sum = (field: string): number =>
    texts.reduce((total, text) => total + Number(text.match(new RegExp(`^${field}: +(\\d+) kB`, 'm'))?.[1] ?? 0), 0)
  return { resident: sum('Rss') / KIB_PER_MIB, proportional: sum('Pss') / KIB_PER_MIB }
}

/** Tells a process from a later one with the same pid: its start time; undefined once it is gone or a zombie. */
export function identityOf(pid: number): string | undefined {
  const fields = statOf(pid)
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
}

/** Fields of /proc/PID/stat from the third on: the second, the name, is in parentheses and may hold anything. */
function statOf(pid: number): string[] | undefined {
  const text = textOf(`/proc/${pid}/stat`)
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Empty when the process has gone: it may at any moment. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
