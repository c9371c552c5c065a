// Connections are open files, at the server and at the load: both have the hard limit of this process, and raise their
// soft one to it (Node and Bun by themselves, wsload too).

/** Files that a program has open besides its connections. */
const OTHERS = 256

/** @throws Error that says how to allow them when the system does not allow so many connections. */
export function requireOpenFiles(connections: number, allowed = allowedOpenFiles()): void {
  const needed = connections + OTHERS
  if (needed <= allowed) return
  throw new Error(
    `${connections} connections need ${needed} open files, and ulimit -Hn allows ${allowed}: raise it first`,
  )
}

function allowedOpenFiles(): number {
  const report = process.report.getReport() as unknown as {
    userLimits?: { open_files?: { hard: number | 'unlimited' } }
  }
  const hard = report.userLimits?.open_files?.hard
  return typeof hard === 'number' ? hard : Number.POSITIVE_INFINITY
}
