// The exposition is the example of Prometheus' documentation; quantiles are worked out by hand.
import { describe, expect, it } from 'vitest';
import { bucketsOf, bucketsSince, parsePrometheus, quantileOf, sumOf } from './prometheus.ts';

const exposition = `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="0.1"} 33444
http_request_duration_seconds_bucket{le="0.2"} 100392
http_request_duration_seconds_bucket{le="0.5"} 129389
http_request_duration_seconds_bucket{le="1"} 133988
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
`;

describe('the Prometheus text format', () => {
  const samples = parsePrometheus(exposition);

  it('reads every sample of the example in the documentation', () => {
    expect(samples).toHaveLength(13);
    expect(samples[0]).toEqual({
      name: 'http_requests_total',
      labels: { method: 'post', code: '200' },
      value: 1027,
    });
  });

  it('undoes escapes in labels and knows infinity', () => {
    expect(samples[2]?.labels).toEqual({
      path: 'C:\\DIR\\FILE.TXT',
      error: 'Cannot find file:\n"FILE.TXT"',
    });
    expect(samples[4]?.value).toBe(Number.POSITIVE_INFINITY);
  });

  it('adds up over labels and tells absence from zero', () => {
    expect(sumOf(samples, 'http_requests_total')).toBe(1030);
    expect(sumOf(samples, 'no_such_metric')).toBeUndefined();
  });

  it('estimates quantiles as PromQL does', () => {
    const buckets = bucketsOf(samples, 'http_request_duration_seconds');
    // Rank 72,160 lies in (0.1, 0.2]: 0.1 + 0.1 · (72,160 − 33,444) / 66,948.
    expect(quantileOf(buckets, 0.5)).toBeCloseTo(0.1578299, 6);
    // Rank 142,876.8 is beyond the last finite bound.
    expect(quantileOf(buckets, 0.99)).toBe(1);
  });

  it('counts only what came since the last reading', () => {
    const before = new Map([
      [1, 10],
      [2, 10],
      [Number.POSITIVE_INFINITY, 12],
    ]);
    const now = new Map([
      [1, 10],
      [2, 14],
      [Number.POSITIVE_INFINITY, 16],
    ]);
    expect(quantileOf(bucketsSince(now, before), 0.5)).toBe(1.5);
    expect(quantileOf(bucketsSince(now, now), 0.5)).toBeUndefined();
  });
});
