//! A registry: a store with settings and the operations that keep its promises.

use std::collections::BTreeSet;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::layout::{
    DISCOVERY, File, Index, MODULE_LIST, MODULES, Manifest, SETTINGS, discovery, file_key, module_list,
    page_key, read_module_list, versions_key,
};
use crate::name::check_name;
use crate::page::{PAGE, front_page, module_page};
use crate::store::{Expect, Object, Put, Store};
use crate::{Error, ErrorKind, ModuleName};

/// What `registry.toml` says; the first publish writes it, and nothing changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The host in module sources, such as `modules.example.com`.
    pub host: String,
    /// The namespace of every module here.
    pub namespace: String,
    /// Where clients reach the store's root, when that is not `https://HOST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Settings {
    /// Checks host and namespace.
    ///
    /// # Errors
    ///
    /// Refuses a host without a dot, which no client accepts, and a bad namespace.
    pub fn new(host: &str, namespace: &str) -> Result<Settings, Error> {
        check_name("namespace", namespace)?;
        let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        if !plain || !host.contains('.') {
            return Err(Error::input(format!(
                "host {host:?} is not a host name with a dot, without which clients refuse a module source"
            )));
        }
        Ok(Settings { host: host.to_owned(), namespace: namespace.to_owned(), url: None })
    }

    /// Returns the URL of the store's root, without a slash at the end.
    pub fn base_url(&self) -> String {
        let url = self.url.clone().unwrap_or_else(|| format!("https://{}", self.host));
        url.trim_end_matches('/').to_owned()
    }

    fn parse(bytes: &[u8]) -> Result<Settings, Error> {
        let damaged = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Damaged, format!("`{SETTINGS}` is damaged: {error}"))
        };
        let text = std::str::from_utf8(bytes).map_err(|error| damaged(&error))?;
        toml::from_str(text).map_err(|error| damaged(&error))
    }
}

/// A registry in a store.
#[derive(Debug)]
pub struct Registry<'a> {
    store: &'a dyn Store,
    settings: Settings,
}

impl<'a> Registry<'a> {
    /// Opens an existing registry.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`] when the store holds none.
    pub fn open(store: &'a dyn Store) -> Result<Registry<'a>, Error> {
        let Some(object) = store.get(SETTINGS)? else {
            let message = format!("no registry here: `{SETTINGS}` is missing; the first publish makes one");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        Ok(Registry { store, settings: Settings::parse(&object.bytes)? })
    }

    /// Opens a registry that must have these settings, or makes one.
    ///
    /// # Errors
    ///
    /// Returns an error when the store belongs to another host or namespace.
    pub fn open_or_create(store: &'a dyn Store, settings: &Settings) -> Result<Registry<'a>, Error> {
        let text = toml::to_string(settings).map_err(|error| Error::input(format!("settings: {error}")))?;
        if let Some(existing) = create(store, SETTINGS, text.as_bytes())? {
            let found = Settings::parse(&existing.bytes)?;
            if found != *settings {
                return Err(Error::input(format!(
                    "the store belongs to host `{}`, namespace `{}`, URL `{}`, not to `{}`, `{}`, `{}`",
                    found.host,
                    found.namespace,
                    found.base_url(),
                    settings.host,
                    settings.namespace,
                    settings.base_url(),
                )));
            }
        }
        // Written again after a crash between the two.
        create(store, DISCOVERY, &discovery())?;
        Ok(Registry { store, settings: settings.clone() })
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn store(&self) -> &'a dyn Store {
        self.store
    }

    /// Returns every module that has a version list.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    pub fn modules(&self) -> Result<Vec<ModuleName>, Error> {
        let keys = self.store.list(MODULES)?;
        let lists = keys.iter().filter_map(|key| key.strip_prefix(MODULES)?.strip_suffix("/versions"));
        Ok(lists.filter_map(|name| ModuleName::parse(name).ok()).collect())
    }

    /// Returns the version list of a module, which is empty for an unknown one.
    ///
    /// # Errors
    ///
    /// Fails when the store does, or the list is damaged.
    pub fn index(&self, module: &ModuleName) -> Result<Index, Error> {
        Ok(self.tagged_index(module)?.0)
    }

    fn tagged_index(&self, module: &ModuleName) -> Result<(Index, Option<String>), Error> {
        match self.store.get(&versions_key(module))? {
            Some(object) => {
                let index = Index::parse(&object.bytes);
                let index = index.map_err(|error| Error::new(error.kind(), format!("{module}: {error}")))?;
                Ok((index, Some(object.tag)))
            }
            None => Ok((Index::default(), None)),
        }
    }

    /// Returns the record of a version.
    ///
    /// # Errors
    ///
    /// Fails when the store does, or the manifest is damaged.
    pub fn manifest(&self, module: &ModuleName, version: &Version) -> Result<Option<Manifest>, Error> {
        let object = self.store.get(&file_key(module, version, File::Manifest))?;
        object.map(|object| Manifest::parse(&object.bytes)).transpose()
    }

    /// Hides a version from clients. Its objects remain, and its number stays taken.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`] for a version that is not published.
    pub fn yank(&self, module: &ModuleName, version: &Version) -> Result<(), Error> {
        self.update_index(module, |index| {
            if index.listed.remove(version) || index.yanked.contains(version) {
                index.yanked.insert(version.clone());
                return Ok(());
            }
            Err(not_published(module, version))
        })
    }

    /// Shows a yanked version to clients again.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotFound`] for a version that is not published.
    pub fn unyank(&self, module: &ModuleName, version: &Version) -> Result<(), Error> {
        self.update_index(module, |index| {
            if index.yanked.remove(version) || index.listed.contains(version) {
                index.listed.insert(version.clone());
                return Ok(());
            }
            Err(not_published(module, version))
        })
    }

    /// Changes the version list as one step, whoever else changes it.
    pub(crate) fn update_index(
        &self,
        module: &ModuleName,
        change: impl Fn(&mut Index) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.write_index(module, change)?;
        self.refresh_pages(module)
    }

    /// Writes the pages that list a module's versions and the modules, where they do not say what is published.
    pub(crate) fn refresh_pages(&self, module: &ModuleName) -> Result<(), Error> {
        self.refresh(&page_key(module), |_| {
            Ok(module_page(&self.settings.host, module, &self.index(module)?))
        })?;
        self.refresh(MODULE_LIST, |before| {
            // The list itself says which modules there were: to look for them takes the longer the more there are.
            let mut modules = match before.and_then(|before| read_module_list(&before.bytes)) {
                Some(modules) => modules,
                None => self.modules()?.into_iter().collect(),
            };
            modules.insert(module.clone());
            Ok(module_list(&modules))
        })?;
        self.refresh(PAGE, |_| {
            let list = self.store.get(MODULE_LIST)?.and_then(|list| read_module_list(&list.bytes));
            Ok(front_page(&self.settings.host, &list.unwrap_or_else(|| BTreeSet::from([module.clone()]))))
        })
    }

    /// Writes a page that lists something, if it is not what it has to be.
    fn refresh(
        &self,
        key: &str,
        page: impl Fn(Option<&Object>) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        retry(&format!("`{key}`"), || {
            // It is read before what it lists, so that a write never takes back what a later one said.
            let before = self.store.get(key)?;
            let page = page(before.as_ref())?;
            if before.as_ref().is_some_and(|before| before.bytes == page) {
                return Ok(Some(()));
            }
            let expect = before.as_ref().map_or(Expect::Absent, |before| Expect::Unchanged(&before.tag));
            match self.store.put(key, &page, expect)? {
                Put::Written => Ok(Some(())),
                Put::Refused => Ok(None),
            }
        })
    }

    fn write_index(
        &self,
        module: &ModuleName,
        change: impl Fn(&mut Index) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let key = versions_key(module);
        retry(&format!("the version list of {module}"), || {
            let (before, tag) = self.tagged_index(module)?;
            let mut after = before.clone();
            change(&mut after)?;
            // Also the answer to a write whose outcome was unclear: it had happened.
            if after == before {
                return Ok(Some(()));
            }
            let expect = tag.as_deref().map_or(Expect::Absent, Expect::Unchanged);
            match self.store.put(&key, &after.to_bytes(), expect)? {
                Put::Written => Ok(Some(())),
                Put::Refused => Ok(None),
            }
        })
    }
}

fn not_published(module: &ModuleName, version: &Version) -> Error {
    Error::new(ErrorKind::NotFound, format!("{module} {version} is not published"))
}

/// Writes an object that never changes; returns the one that is already there, if it is.
///
/// After a write whose outcome is unclear that may be our own, so the caller compares.
pub(crate) fn create(store: &dyn Store, key: &str, bytes: &[u8]) -> Result<Option<Object>, Error> {
    retry(&format!("`{key}`"), || match store.put(key, bytes, Expect::Absent)? {
        Put::Written => Ok(Some(None)),
        // One that was removed in between can be written after all.
        Put::Refused => Ok(store.get(key)?.map(Some)),
    })
}

/// Tries again after a lost race or a failure of the store, for a bounded time.
pub(crate) fn retry<T>(what: &str, mut step: impl FnMut() -> Result<Option<T>, Error>) -> Result<T, Error> {
    /// Lost races resolve at once; failures get about three seconds in all.
    const RACES: u32 = 1000;
    const FAILURES: u32 = 5;
    let mut failures = 0;
    for _ in 0..RACES {
        match step() {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => std::thread::yield_now(),
            Err(error) if error.kind() == ErrorKind::Unavailable && failures + 1 < FAILURES => {
                std::thread::sleep(std::time::Duration::from_millis(100 << failures));
                failures += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::Unavailable, format!("{what} changes faster than it can be written")))
}
