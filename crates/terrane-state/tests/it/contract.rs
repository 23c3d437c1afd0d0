//! Keeps the S3 in memory honest: what the reader relies on, asked of it and of a second server, must be answered
//! alike. The second server is an AWS emulator whose URL `TERRANE_S3_ENDPOINT` gives, as `cargo xtask test` does.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use terrane_state::S3Arguments;

use crate::mem_s3::MemS3;
use crate::setup;

const BUCKET: &str = "terrane-contract";
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER_KEY: &str = "MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Returns where the second server is, if there is one.
fn second_server() -> Option<String> {
    let endpoint = std::env::var("TERRANE_S3_ENDPOINT").ok();
    if endpoint.is_none() {
        println!("skipped: the second server, which TERRANE_S3_ENDPOINT would name");
    }
    endpoint
}

fn client(endpoint: &str) -> Client {
    let keys = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .credentials_provider(keys)
        .endpoint_url(endpoint)
        .force_path_style(true)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

/// Makes a bucket on the second server, if there is one; returns a client and the arguments for its `k`.
pub(crate) async fn second_bucket(name: &str) -> Option<(Client, S3Arguments)> {
    let endpoint = second_server()?;
    let client = client(&endpoint);
    client.create_bucket().bucket(name).send().await.unwrap();
    let mut arguments = setup::arguments(([127, 0, 0, 1], 0).into());
    arguments.bucket = Some(name.to_owned());
    arguments.endpoint = Some(endpoint);
    Some((client, arguments))
}

/// Returns what a GET is answered, without what differs from server to server.
async fn answer(get: GetObjectFluentBuilder) -> String {
    match get.send().await {
        Ok(output) => {
            let range = output.content_range.clone().unwrap_or_default();
            let tags = (output.e_tag.is_some(), output.version_id.is_some());
            let body = output.body.collect().await.unwrap().to_vec();
            format!("{:?} {range} etag, version: {tags:?}", String::from_utf8(body).unwrap())
        }
        Err(error) => {
            let raw = error.raw_response().unwrap();
            let (status, marker) = (raw.status().as_u16(), raw.headers().get("x-amz-delete-marker"));
            // Of a missing customer's key the services only agree that the request is bad.
            let code = error.code().filter(|_| status != 400 && status != 403);
            format!("{status} {code:?} delete marker: {marker:?}")
        }
    }
}

async fn put(client: &Client, key: &str, body: &'static str) -> (String, String) {
    let put = client.put_object().bucket(BUCKET).key(key).body(body.as_bytes().to_vec().into());
    let output = put.send().await.unwrap();
    (output.e_tag.unwrap(), output.version_id.unwrap())
}

/// Asks for all that the reader relies on, and returns the answers.
async fn answers(endpoint: &str) -> Vec<String> {
    let client = client(endpoint);
    client.create_bucket().bucket(BUCKET).send().await.unwrap();
    let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(versioning).send().await.unwrap();
    let (first_etag, first) = put(&client, "env:/w/k", "first").await;
    let (etag, _) = put(&client, "env:/w/k", "second").await;
    put(&client, "empty", "").await;
    let get = |key: &str| client.get_object().bucket(BUCKET).key(key);
    let state = || get("env:/w/k");
    let mut answers = vec![
        answer(state()).await,
        answer(state().range("bytes=0-1")).await,
        answer(state().range("bytes=2-65535")).await,
        answer(state().range("bytes=6-10")).await,
        answer(state().if_match(&etag)).await,
        answer(state().range("bytes=1-2").if_match(&first_etag)).await,
        answer(state().if_none_match(&etag)).await,
        answer(state().if_none_match(&first_etag)).await,
        answer(state().version_id(&first)).await,
        answer(get("absent")).await,
        answer(client.get_object().bucket("terrane-absent").key("k")).await,
        answer(get("empty")).await,
        answer(get("empty").range("bytes=0-65535")).await,
    ];
    client.delete_object().bucket(BUCKET).key("env:/w/k").send().await.unwrap();
    answers.extend([answer(state()).await, answer(state().version_id(&first)).await]);

    let fingerprint = |key: &str| {
        use base64::Engine as _;
        use md5::Digest as _;
        let base64 = base64::engine::general_purpose::STANDARD;
        base64.encode(md5::Md5::digest(base64.decode(key).unwrap()))
    };
    let put = client.put_object().bucket(BUCKET).key("sealed").body(b"sealed".to_vec().into());
    let put =
        put.sse_customer_algorithm("AES256").sse_customer_key(KEY).sse_customer_key_md5(fingerprint(KEY));
    put.send().await.unwrap();
    for (object, key) in
        [("sealed", None), ("sealed", Some(KEY)), ("sealed", Some(OTHER_KEY)), ("empty", Some(KEY))]
    {
        let request = get(object)
            .set_sse_customer_algorithm(key.map(|_| "AES256".to_owned()))
            .set_sse_customer_key(key.map(str::to_owned))
            .set_sse_customer_key_md5(key.map(fingerprint));
        answers.push(answer(request).await);
    }

    for name in ["a", "b", "c"] {
        client.put_object().bucket(BUCKET).key(format!("env:/{name}/k")).send().await.unwrap();
    }
    let mut token = None;
    loop {
        let list = client.list_objects_v2().bucket(BUCKET).prefix("env:/").max_keys(2);
        let page = list.set_continuation_token(token).send().await.unwrap();
        let keys: Vec<&str> = page.contents().iter().filter_map(|object| object.key()).collect();
        answers.push(format!("{keys:?} {:?}", page.is_truncated));
        token = page.next_continuation_token;
        if token.is_none() {
            return answers;
        }
    }
}

#[tokio::test]
async fn two_servers_answer_alike() {
    let (_, address) = MemS3::start().await;
    let ours = answers(&format!("http://{address}")).await;
    assert_eq!(ours.len(), 21, "{ours:#?}");
    assert_eq!(ours[0], "\"second\"  etag, version: (true, true)");
    assert!(ours[5].starts_with("412 ") && ours[6].starts_with("304 "), "{ours:#?}");
    if let Some(endpoint) = second_server() {
        assert_eq!(answers(&endpoint).await, ours);
    }
}
