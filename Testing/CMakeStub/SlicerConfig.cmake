# Stands in for a Slicer build tree: `find_package(Slicer)` finds it with -DSlicer_DIR=<this folder>.
# Only what the extension's CMakeLists.txt files use; every call is recorded, nothing is built.
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/ExtensionGenerateConfig.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionCPack.cmake")
