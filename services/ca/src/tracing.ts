/**
 * Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT is set. Its packages are optional and loaded only then; otherwise a
 * span is a plain call.
 */

import { errorCode, escaped } from '@sigstack/crypto'
import type { Logger } from '@sigstack/server'
import { noTrace, type Trace } from './issuance/dependencies.ts'

export type Tracing = {
  readonly trace: Trace
  /** As `trace`, continuing the trace that `traceparent` of a request begins, if it has one. */
  readonly traceRequest: <T>(
    name: string,
    headers: Readonly<Record<string, unknown>>,
    step: () => Promise<T>,
  ) => Promise<T>
  stop(): Promise<void>
}

export const noTracing: Tracing = {
  trace: noTrace,
  traceRequest: (_name, _headers, step) => step(),
  stop: async () => {},
}

/**
 * The endpoint and everything else is read by OpenTelemetry from its own OTEL_ variables; what it has to say goes to
 * `logger`. Throws one sentence where it is not installed.
 */
export async function startTracing(serviceName: string, logger: Logger): Promise<Tracing> {
  const { api, exporter, resources, sdk } = await loadOpenTelemetry()
  const tell = (...said: readonly unknown[]) => logger.warn({ said }, 'traces fail')
  api.diag.setLogger(
    { error: tell, warn: tell, info: tell, debug: tell, verbose: tell },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const provider = new sdk.NodeTracerProvider({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    resource: resources
      .resourceFromAttributes({ 'service.name': serviceName })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter())],
  })
  provider.register()
  const tracer = provider.getTracer('sigstack')

  const trace: Trace = (name, step) =>
    tracer.startActiveSpan(name, async (span) => {
      try {
        return await step()
      } catch (error) {
        // The code alone: a message may repeat claims.
        const code = escaped(errorCode(error) ?? 'internal', 64)
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: code })
        throw error
      } finally {
        span.end()
      }
    })
  return {
    trace,
    traceRequest: (name, headers, step) =>
      api.context.with(api.propagation.extract(api.context.active(), headers), () => trace(name, step)),
    stop: async () => {
      // A collector that refuses the last spans does not hold up the stop.
      await provider.shutdown().catch((error: unknown) => logger.warn({ err: error }, 'traces fail'))
      api.diag.disable()
    },
  }
}

async function loadOpenTelemetry() {
  try {
    const [api, exporter, resources, sdk] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-node'),
    ])
    return { api, exporter, resources, sdk }
  } catch (cause) {
    throw new Error(
      'OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages of OpenTelemetry are not installed; install the optional dependencies of the CA',
      { cause },
    )
  }
}
