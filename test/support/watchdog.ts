// Ends what a test file has started, should the file itself be ended: by its time limit, say, when no hook runs any more.
//
// A small shell reads from a pipe which processes there are. However the test's process ends, its end of the pipe closes,
// and what is still on the list is killed, by number.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

const SCRIPT = `
running=
stopped=
while read -r sign pid; do
  case $sign in
  +) running="$running $pid" ;;
  -) rest=; for each in $running; do [ "$each" = "$pid" ] || rest="$rest $each"; done; running=$rest ;;
  z) stopped="$stopped $pid" ;;
  esac
done
for each in $running; do kill -KILL "$each"; done
for each in $stopped; do kill -CONT "$each"; done
`

let pipe: Socket | undefined

/** The process ends with this one, if it has not by then. */
export function endWithUs(child: ChildProcess): void {
  // What could not be started has no number.
  if (child.pid === undefined) return
  tell(`+ ${child.pid}`)
  child.once('exit', () => tell(`- ${child.pid}`))
}

/** Stops a process that goes on when this one has ended, at the latest: what is stopped outlives its parent. */
export function stopUntilOurEnd(pid: number): void {
  tell(`z ${pid}`)
  process.kill(pid, 'SIGSTOP')
}

/** The process goes on, if it is still there: where coverage is measured the service may have ended it. */
export function goOn(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function tell(line: string): void {
  pipe ??= start()
  pipe.write(`${line}\n`)
}

function start(): Socket {
  // In a session of its own, so that Ctrl-C does not end it before the others.
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  const stdin = shell.stdin as Socket
  stdin.unref()
  return stdin
}
