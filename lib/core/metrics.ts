/**
 * What is measured, and in which unit (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html). One list for
 * the pipeline, the alarms and the dashboard. Every metric is of one connector; there is no other dimension, so
 * the number of metrics, which is what costs, grows with connectors and not with connections.
 */
export const METRICS = {
  /** Syncs closed, by verdict. */
  SyncsComplete: 'Count',
  SyncsIncomplete: 'Count',
  SyncsUnknown: 'Count',
  /** What closed syncs delivered. */
  PagesDelivered: 'Count',
  RecordsDelivered: 'Count',
  RecordsQuarantined: 'Count',
  /** Departures from the declared schema that closed syncs saw, each kind once per sync. */
  SchemaChanges: 'Count',
  /** Requests that were answered, or were not; those that were answered with a call for patience; those asked again. */
  RequestsSent: 'Count',
  RequestsThrottled: 'Count',
  RequestsRetried: 'Count',
  /** Responses with a `Sunset` or `Deprecation` header. */
  DeprecatedResponses: 'Count',
  /** Pages that were set aside. */
  PagesSetAside: 'Count',
  /** By housekeeping, at every run. Age of the stalest stream of an active connection ÷ its schedule: 1 is as it should be. */
  Staleness: 'None',
  /** Syncs that run right now, and connections that Headgate itself has paused: those an operator paused are not counted. */
  SyncsOpen: 'Count',
  ConnectionsPaused: 'Count',
  /** Connections whose consent ends within two weeks. */
  ConnectionsAgeing: 'Count',
  /** Connections whose secret is older than it is to be. */
  SecretsAgeing: 'Count',
} as const;

export type Metric = keyof typeof METRICS;

/** The dimension that names the connector. */
export const CONNECTOR_DIMENSION = 'service';
/** One namespace for each stage: two of them in one account must not be added up. */
export const metricsNamespace = (stage: string): string => `Headgate/${stage}`;
