// How much memory this process has resident, as often as it is asked.

/** Octets at the last time that they could be read. */
let last = 0

/** Octets. Node opens a file to find out: where the process is out of file descriptors, this is what it was before. */
export function residentMemory(read: () => number = process.memoryUsage.rss): number {
  try {
    last = read()
  } catch {}
  return last
}
