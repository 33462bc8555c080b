//! Maps and sets as sorted lists. A room has a few hundred entries in each, and a binary search
//! finds them. The standard library's trees, compiled for each type of entry, were a tenth of the
//! Worker's size.

use std::borrow::Borrow;

/// A sorted list of keys with values.
#[derive(Debug)]
pub(crate) struct Map<K, V>(Vec<(K, V)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Map<K, V> {
    /// A map of entries that are already sorted by unique keys.
    pub(crate) fn from_sorted(entries: Vec<(K, V)>) -> Self {
        Self(entries)
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let index = self.find(key).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let index = self.find(key).ok()?;
        self.0.get_mut(index).map(|(_, value)| value)
    }

    /// The entries of these keys, in the order of `keys`. It is fastest if `keys` are sorted.
    pub(crate) fn of<'a>(&'a self, keys: &'a [K]) -> impl Iterator<Item = (&'a K, &'a V)> {
        let mut next = 0_usize;
        keys.iter().filter_map(move |key| {
            let index = match self.0.get(next) {
                Some((guess, _)) if guess == key => next,
                _ => self.find(key).ok()?,
            };
            next = index.saturating_add(1);
            self.0.get(index).map(|(key, value)| (key, value))
        })
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Inserts a value. It replaces an earlier value of the key.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.find(&key) {
            Ok(index) => {
                if let Some(entry) = self.0.get_mut(index) {
                    entry.1 = value;
                }
            }
            Err(index) => self.0.insert(index, (key, value)),
        }
    }

    /// Changes the value of a key. A missing key is added first.
    pub(crate) fn change(&mut self, key: K, change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        let index = match self.find(&key) {
            Ok(index) => index,
            Err(index) => {
                self.0.insert(index, (key, V::default()));
                index
            }
        };
        if let Some((_, value)) = self.0.get_mut(index) {
            change(value);
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let index = self.find(key).ok()?;
        Some(self.0.remove(index).1)
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0
            .binary_search_by(|(other, _)| other.borrow().cmp(key))
    }
}

impl<V> Map<String, V> {
    /// The entries whose keys begin with `prefix`, sorted.
    pub(crate) fn starting_with(&self, prefix: &str) -> impl Iterator<Item = (&String, &V)> {
        let (Ok(index) | Err(index)) = self.find(prefix);
        let entries = self.0.get(index..).unwrap_or_default().iter();
        let entries = entries.take_while(move |(key, _)| key.starts_with(prefix));
        entries.map(|(key, value)| (key, value))
    }
}

impl<K, V> Map<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, sorted by key.
    pub(crate) fn into_vec(self) -> Vec<(K, V)> {
        self.0
    }

    /// The entries, sorted by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A sorted list.
#[derive(Debug)]
pub(crate) struct Set<T>(Map<T, ()>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<T: Ord> Set<T> {
    pub(crate) fn insert(&mut self, item: T) {
        self.0.insert(item, ());
    }

    /// Removes an item. Returns whether it was present.
    pub(crate) fn remove(&mut self, item: &T) -> bool {
        self.0.remove(item).is_some()
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::default();
        for item in items {
            set.insert(item);
        }
        set
    }
}

impl<T> Set<T> {
    /// The items, sorted.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|(item, ())| item)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest item.
    pub(crate) fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// The items, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.keys()
    }
}
