import { keepMemoryLittle } from '@sigstack/server/little-memory'

// Before anything else is loaded.
keepMemoryLittle()
const { runConsole } = await import('./run.ts')
await runConsole()
