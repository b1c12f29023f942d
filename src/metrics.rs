//! What the server counts and measures, in Prometheus's text format. Each room makes its own metrics, where it measures, and
//! shows them here. Names and units are as Prometheus wants them: seconds and bytes, and `_total` behind what only grows.

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, TextEncoder,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Labels that are the same for all of a metric: names and values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// All metrics of a server.
#[derive(Clone, Default)]
pub struct Metrics(Registry);

impl Metrics {
    /// Shows a metric. Panics if there is one of this name with these labels.
    pub fn show(&self, metric: impl Collector + 'static) {
        self.0.register(Box::new(metric)).expect("a metric is shown once");
    }

    /// Shows a number that is read when somebody asks for it.
    pub fn show_reading(
        &self,
        name: &str,
        help: &str,
        labels: Labels<'_>,
        read: impl Fn() -> usize + Send + Sync + 'static,
    ) {
        self.show(Reading { gauge: gauge(name, help, labels), read });
    }

    /// All of them, and the media type of the text.
    pub fn text(&self) -> (String, String) {
        let encoder = TextEncoder::new();
        let text = encoder.encode_to_string(&self.0.gather()).expect("every metric has a name");
        (text, encoder.format_type().to_owned())
    }
}

/// A number that is somebody else's.
struct Reading<F> {
    gauge: IntGauge,
    read: F,
}

impl<F: Fn() -> usize + Send + Sync> Collector for Reading<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set(i64::try_from((self.read)()).unwrap_or(i64::MAX));
        self.gauge.collect()
    }
}

/// A number that only grows.
pub fn counter(name: &str, help: &str, labels: Labels<'_>) -> IntCounter {
    IntCounter::with_opts(options(name, help, labels)).expect(VALID)
}

/// A number that grows and falls.
pub fn gauge(name: &str, help: &str, labels: Labels<'_>) -> IntGauge {
    IntGauge::with_opts(options(name, help, labels)).expect(VALID)
}

/// How often something was at most as large as each of the bounds.
pub fn histogram(name: &str, help: &str, labels: Labels<'_>, bounds: &[f64]) -> Histogram {
    let options = HistogramOpts { common_opts: options(name, help, labels), buckets: bounds.to_vec() };
    Histogram::with_opts(options).expect(VALID)
}

/// Counts requests that were refused with 503 for this reason, so that the server does not break down.
pub fn shed(reason: &str) -> IntCounter {
    let help = "Requests that were refused with 503 because there was no room for more, by what had none.";
    counter("http_requests_shed_total", help, &[("reason", reason)])
}

const VALID: &str = "the name and the labels are valid";

fn options(name: &str, help: &str, labels: Labels<'_>) -> Opts {
    labels.iter().fold(Opts::new(name, help), |options, (name, value)| options.const_label(*name, *value))
}
