import { portVariables } from './config.ts'

/** For tests: every service on a free port. */
export const anyPorts: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(portVariables).map((variable) => [variable, '0']),
)
