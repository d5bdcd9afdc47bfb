//! One question to a Prometheus, through the API server's proxy to its Service.

use serde::Deserialize;
use serde::de::Error;

use crate::arguments::ServicePath;
use crate::connect::Connection;
use crate::request::{Asked, Request, RequestError};

/// A value of one series now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) value: f64,
}

/// What Prometheus answers: of a vector, for each series a time and a number as text.
#[derive(Debug, Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Debug, Deserialize)]
struct Series {
    value: (f64, String),
}

/// The values of an instant query that gives a vector.
pub(super) async fn query(
    connection: &Connection,
    service: &ServicePath,
    question: &str,
) -> Result<Vec<Sample>, RequestError> {
    let name = &service.service;
    let request = Request { verb: "get", asked: Asked::ServiceProxy, name, namespace: &service.namespace };
    let built = http::Request::get(path(service, question)).body(Vec::new());
    let built = built.map_err(|error| request.failed(&kube::Error::HttpError(error)))?;
    let answer: Answer = connection.client.request(built).await.map_err(|error| request.failed(&error))?;
    samples(answer).map_err(|error| request.failed(&kube::Error::SerdeError(error)))
}

fn path(service: &ServicePath, question: &str) -> String {
    let ServicePath { namespace, service, prefix } = service;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("query", question).finish();
    format!("/api/v1/namespaces/{namespace}/services/{service}/proxy{prefix}/api/v1/query?{query}")
}

fn samples(answer: Answer) -> Result<Vec<Sample>, serde_json::Error> {
    let values = answer.data.result.into_iter().map(|series| series.value.1.parse());
    let samples = values.map(|value| value.map(|value| Sample { value }).map_err(serde_json::Error::custom));
    samples.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_question_goes_through_the_api_server() {
        let service = ServicePath {
            namespace: "monitoring".to_owned(),
            service: "prometheus:9090".to_owned(),
            prefix: "/prom".to_owned(),
        };
        assert_eq!(
            path(&service, "up{a=\"b\"}"),
            "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/prom/api/v1/query?query=up%7Ba%3D%22b%22%7D"
        );
    }

    #[test]
    fn an_answer_is_a_number_for_each_series() {
        let series = |value: &str| json!({"metric": {"pod": "a"}, "value": [1_790_000_000.1, value]});
        let answer = json!({"status": "success", "data": {"resultType": "vector", "result": [series("1"), series("0")]}});
        let samples = samples(serde_json::from_value(answer).unwrap()).unwrap();
        assert_eq!(samples, [Sample { value: 1.0 }, Sample { value: 0.0 }]);
    }
}
