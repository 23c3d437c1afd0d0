//! The objects of a boring-registry.

use super::{Exporting, write_once};
use crate::{Error, Store};

pub(super) fn write(target: &dyn Store, exporting: &Exporting<'_>) -> Result<String, Error> {
    let Exporting { module, version, .. } = exporting;
    let (namespace, name, system) = (module.namespace(), module.name(), module.system());
    let key = format!("modules/{module}/{namespace}-{name}-{system}-{version}.tar.gz");
    write_once(target, &key, exporting.archive)?;
    Ok(key)
}
