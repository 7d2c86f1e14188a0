/** The monitor of the logs. */
import type { Command } from 'commander'
import type { Io } from '../../io.ts'
import { type MonitorStatusOptions, monitorStatus } from './status.ts'

export function addMonitor(program: Command, io: Io): void {
  const monitor = program
    .command('monitor')
    .summary('ask the monitor of the logs what is wrong')
    .description('The monitor follows logs, watches identities, and keeps what is wrong as alarms.')
  monitor
    .command('status')
    .summary('tell how far each log was read, and the open alarms')
    .description(
      'Lists the logs that the monitor follows, how far it has read each of them, and its open alarms. Ends with status 1 when a log has ' +
        'shown a head that does not fit, or an alarm of the severity page is open. Where the monitor wants a token, it is that of ' +
        'MONITOR_TOKEN.',
    )
    .option('--url <url>', 'the monitor (default: that of the running stack)')
    .option('--data <folder>', 'data folder of the running stack (default: SIGSTACK_DATA, else ./.sigstack)')
    .option('--json', 'tell it as JSON')
    .action((options: MonitorStatusOptions) => monitorStatus(io, options))
}
