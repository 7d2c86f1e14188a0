/**
 * Settings for a small machine: nothing that makes a commit less durable, little memory when idle, few
 * checkpoints under load. Parallel queries, replication workers and asynchronous I/O workers are off because
 * each costs processes and memory that a log's short statements never use.
 */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_compression: 'pglz',
  wal_buffers: '16MB',
  min_wal_size: '128MB',
  checkpoint_timeout: '30min',
  shared_buffers: '64MB',
  max_connections: '60',
  superuser_reserved_connections: '0',
  reserved_connections: '0',
  jit: 'off',
  io_method: 'sync',
  max_worker_processes: '2',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  max_logical_replication_workers: '0',
  max_wal_senders: '2',
  autovacuum_max_workers: '2',
  maintenance_work_mem: '32MB',
  huge_pages: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_checkpoints: 'off',
  logging_collector: 'off',
  unix_socket_permissions: '0700',
} as const

export type Listening =
  | { readonly socketDirectory: string; readonly port: number }
  | { readonly host: string; readonly port: number }

/** The setting is a list with commas between, and a folder may have one in its name. */
function quotedPath(path: string): string {
  return `"${path.replaceAll('"', '""')}"`
}

const leastWalMegabytes = 1_024
const mostWalMegabytes = 4_096
/** Of what is free on the disk: an eighth. */
const shareOfFree = 8

/**
 * Fewer checkpoints mean fewer pages that are written whole behind them, and in a large log an entry touches pages anywhere. It is what
 * the write-ahead log may take of the disk, and what the recovery after a crash reads at most.
 */
function maxWalSize(freeBytes: number): string {
  const share = Math.floor(freeBytes / shareOfFree / 2 ** 20)
  return `${Math.min(Math.max(share, leastWalMegabytes), mostWalMegabytes)}MB`
}

/** @param freeBytes On the disk of the cluster. */
export function postgresArguments(cluster: string, listening: Listening, freeBytes: number): string[] {
  const where =
    'socketDirectory' in listening
      ? { listen_addresses: '', unix_socket_directories: quotedPath(listening.socketDirectory) }
      : { listen_addresses: listening.host, unix_socket_directories: '' }
  const max_wal_size = maxWalSize(freeBytes)
  const settings = Object.entries({ ...SETTINGS, ...where, max_wal_size, port: String(listening.port) })
  return ['-D', cluster, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}
