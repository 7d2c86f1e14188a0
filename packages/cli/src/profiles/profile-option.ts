export const profileOption = [
  '--profile <name>',
  'the instance that init has kept under this name (default: SIGSTACK_PROFILE, else the one in use)',
] as const
