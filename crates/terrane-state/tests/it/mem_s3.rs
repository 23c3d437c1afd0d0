//! An S3 in memory behind a real socket: versions, conditions, ranges, customer keys, and listing in pages.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use s3s::dto::{
    CreateBucketInput, CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput, ETag, ETagCondition,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, PutBucketVersioningInput, PutBucketVersioningOutput, PutObjectInput,
    PutObjectOutput, StreamingBlob,
};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, s3_error};

/// One version of an object; `None` is a delete marker.
type Version = (String, Option<Vec<u8>>);

/// A change to the store.
type Hook = Box<dyn FnOnce(&mut Store) + Send>;

#[derive(Default)]
struct Store {
    /// By bucket and key, oldest version first.
    objects: BTreeMap<(String, String), Vec<Version>>,
    customer_keys: BTreeMap<(String, String), String>,
    requests: Vec<String>,
    next_version: usize,
    /// Runs before the nth request is answered.
    hooks: BTreeMap<usize, Hook>,
}

impl Store {
    fn put(&mut self, bucket: &str, key: &str, body: Option<Vec<u8>>) -> String {
        self.next_version += 1;
        let id = format!("v{}", self.next_version);
        self.objects.entry((bucket.to_owned(), key.to_owned())).or_default().push((id.clone(), body));
        id
    }
}

#[derive(Clone, Default)]
pub(crate) struct MemS3(Arc<Mutex<Store>>);

impl MemS3 {
    /// Starts a server with bucket `b`.
    pub(crate) async fn start() -> (MemS3, SocketAddr) {
        let store = MemS3::default();
        store.put("b", ".keep", b"");
        store.0.lock().unwrap().requests.clear();
        let mut builder = s3s::service::S3ServiceBuilder::new(store.clone());
        builder.set_auth(s3s::auth::SimpleAuth::from_single("test", "test"));
        builder.set_validation(AnyName);
        let service = builder.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service.clone();
                tokio::spawn(async move {
                    let server =
                        hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
                    let _ = server.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
                });
            }
        });
        (store, address)
    }

    pub(crate) fn put(&self, bucket: &str, key: &str, body: impl AsRef<[u8]>) -> String {
        self.0.lock().unwrap().put(bucket, key, Some(body.as_ref().to_vec()))
    }

    /// Puts an object and forgets its earlier versions.
    pub(crate) fn replace(&self, bucket: &str, key: &str, body: impl AsRef<[u8]>) {
        let mut store = self.0.lock().unwrap();
        store.objects.remove(&(bucket.to_owned(), key.to_owned()));
        store.put(bucket, key, Some(body.as_ref().to_vec()));
    }

    pub(crate) fn delete(&self, bucket: &str, key: &str) {
        self.0.lock().unwrap().put(bucket, key, None);
    }

    /// Demands a customer's key, in base64, for an object.
    pub(crate) fn encrypt(&self, bucket: &str, key: &str, customer_key: &str) {
        let place = (bucket.to_owned(), key.to_owned());
        self.0.lock().unwrap().customer_keys.insert(place, customer_key.to_owned());
    }

    /// Replaces an object just before the nth request, counted from 1, is answered.
    pub(crate) fn put_before(&self, request: usize, key: &'static str, body: Vec<u8>) {
        let hook = move |store: &mut Store| {
            store.put("b", key, Some(body));
        };
        self.0.lock().unwrap().hooks.insert(request, Box::new(hook));
    }

    /// Returns all requests so far, as `GET key range`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }

    fn begin(&self, request: String) -> std::sync::MutexGuard<'_, Store> {
        let mut store = self.0.lock().unwrap();
        store.requests.push(request);
        let count = store.requests.len();
        if let Some(hook) = store.hooks.remove(&count) {
            hook(&mut store);
        }
        store
    }
}

/// Admits bucket `b`, which is shorter than S3 allows.
struct AnyName;

impl s3s::validation::NameValidation for AnyName {
    fn validate_bucket_name(&self, _name: &str) -> bool {
        true
    }
}

fn etag(body: &[u8]) -> ETag {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    ETag::Strong(format!("{:016x}", hasher.finish()))
}

fn matches(condition: &ETagCondition, etag: &ETag) -> bool {
    condition.as_etag().is_none_or(|other| other.value() == etag.value())
}

fn deleted() -> S3Error {
    let mut error = s3_error!(NoSuchKey);
    let header = ("x-amz-delete-marker".parse().unwrap(), "true".parse().unwrap());
    error.set_headers(std::iter::once(header).collect());
    error
}

#[async_trait::async_trait]
impl S3 for MemS3 {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        self.put(&request.input.bucket, ".keep", b"");
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    /// Every bucket keeps versions.
    async fn put_bucket_versioning(
        &self,
        _request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        Ok(S3Response::new(PutBucketVersioningOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let mut body = Vec::new();
        let mut stream = input.body.unwrap_or_else(|| StreamingBlob::from(Body::empty()));
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(|_| s3_error!(IncompleteBody))?);
        }
        let e_tag = Some(etag(&body));
        let version_id = Some(self.put(&input.bucket, &input.key, body));
        if let Some(customer_key) = input.sse_customer_key {
            self.encrypt(&input.bucket, &input.key, &customer_key);
        }
        Ok(S3Response::new(PutObjectOutput { e_tag, version_id, ..PutObjectOutput::default() }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.delete(&request.input.bucket, &request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let range = request.headers.get("range").map(|range| range.to_str().unwrap().to_owned());
        let store = self.begin(format!("GET {} {}", input.key, range.unwrap_or_default()).trim().to_owned());
        if !store.objects.keys().any(|(bucket, _)| *bucket == input.bucket) {
            return Err(s3_error!(NoSuchBucket));
        }
        let place = (input.bucket.clone(), input.key.clone());
        let versions = store.objects.get(&place).ok_or_else(|| s3_error!(NoSuchKey))?;
        let found = match &input.version_id {
            Some(id) => {
                versions.iter().find(|(other, _)| other == id).ok_or_else(|| s3_error!(NoSuchVersion))?
            }
            None => versions.last().unwrap(),
        };
        let (version_id, Some(body)) = found else { return Err(deleted()) };
        match (store.customer_keys.get(&place), &input.sse_customer_key) {
            (Some(needed), Some(given)) if needed != given => return Err(s3_error!(AccessDenied)),
            (Some(_), None) | (None, Some(_)) => return Err(s3_error!(InvalidRequest)),
            _ => {}
        }
        let etag = etag(body);
        if input.if_match.is_some_and(|condition| !matches(&condition, &etag)) {
            return Err(s3_error!(PreconditionFailed));
        }
        if input.if_none_match.is_some_and(|condition| matches(&condition, &etag)) {
            return Err(s3_error!(NotModified));
        }
        let total = body.len() as u64;
        let (bytes, content_range) = match input.range {
            None => (body.clone(), None),
            Some(range) => {
                let range = range.check(total).map_err(|_| s3_error!(InvalidRange))?;
                let text = format!("bytes {}-{}/{total}", range.start, range.end - 1);
                (body[range.start as usize..range.end as usize].to_vec(), Some(text))
            }
        };
        let output = GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            content_range,
            body: Some(StreamingBlob::from(Body::from(bytes))),
            e_tag: Some(etag),
            version_id: Some(version_id.clone()),
            ..GetObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let HeadObjectInput { bucket, key, .. } = request.input;
        let store = self.begin(format!("HEAD {key}"));
        let versions = store.objects.get(&(bucket, key)).ok_or_else(|| s3_error!(NoSuchKey))?;
        let (version_id, Some(body)) = versions.last().unwrap() else { return Err(deleted()) };
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(body.len() as i64),
            e_tag: Some(etag(body)),
            version_id: Some(version_id.clone()),
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.unwrap_or_default();
        let store = self.begin(format!("LIST {prefix}"));
        let after = input.continuation_token.unwrap_or_default();
        let keys: Vec<String> = store
            .objects
            .iter()
            // An object that was deleted is not listed.
            .filter(|(_, versions)| versions.last().is_some_and(|(_, body)| body.is_some()))
            .map(|(place, _)| place)
            .filter(|(bucket, key)| {
                *bucket == input.bucket && key.starts_with(&prefix) && key.as_str() > after.as_str()
            })
            .map(|(_, key)| key.clone())
            .collect();
        let page: Vec<String> = keys.iter().take(input.max_keys.unwrap_or(1000) as usize).cloned().collect();
        let is_truncated = page.len() < keys.len();
        let output = ListObjectsV2Output {
            next_continuation_token: page.last().filter(|_| is_truncated).cloned(),
            is_truncated: Some(is_truncated),
            contents: Some(
                page.into_iter().map(|key| Object { key: Some(key), ..Object::default() }).collect(),
            ),
            ..ListObjectsV2Output::default()
        };
        Ok(S3Response::new(output))
    }
}
