import { keepMemoryLittle } from '@sigstack/server/little-memory'

// Before anything else is loaded.
keepMemoryLittle()
const { runMonitor } = await import('./run.ts')
await runMonitor()
