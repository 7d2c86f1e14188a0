/**
 * A server must not outlive the process that owns it. An orderly stop waits for it; a process that ends at once, as after a second
 * Ctrl-C, has only time for a signal. PostgreSQL stops by itself then, and the next start recovers nothing.
 */
const owned = new Set<number>()

/** Until the returned function is called, the end of this process ends the server with the number `pid`. */
export function endWithUs(pid: number): () => void {
  if (owned.size === 0) process.on('exit', endAll)
  owned.add(pid)
  return () => {
    if (owned.delete(pid) && owned.size === 0) process.off('exit', endAll)
  }
}

function endAll(): void {
  for (const pid of owned) {
    try {
      process.kill(pid, 'SIGINT')
    } catch {
      // It has ended already.
    }
  }
}
